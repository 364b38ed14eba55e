"""The development mode (Boot's dev): what an error page shows, and debuggers on the terminal. Imported in that mode only; nothing here is
known to a request of production."""
