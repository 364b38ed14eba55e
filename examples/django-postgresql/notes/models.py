from django.db import models


class Note(models.Model):
    author = models.CharField(max_length=80)
    text = models.TextField(max_length=1000)
    written = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-written"]

    def __str__(self):
        return self.text[:40]
