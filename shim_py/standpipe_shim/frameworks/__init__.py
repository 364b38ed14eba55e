"""What is known of web frameworks, one file for each."""
