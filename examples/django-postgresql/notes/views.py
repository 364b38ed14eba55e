from django.forms import ModelForm
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from .models import Note


class NoteForm(ModelForm):
    class Meta:
        model = Note
        fields = ["author", "text"]


@require_http_methods(["GET", "HEAD", "POST"])
def notes(request):
    form = NoteForm(request.POST or None, initial={"author": request.session.get("author", "")})
    if request.method == "POST" and form.is_valid():
        note = form.save()
        request.session["author"] = note.author
        return redirect("notes")
    return render(request, "notes/notes.html", {"form": form, "notes": Note.objects.all()[:50]})
