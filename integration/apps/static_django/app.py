"""A Django project in one file. PLAIN=1 in its environment: without the manifest storage. `python app.py` collects."""

import os
import sys

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.template import engines
from django.urls import path

here = os.path.dirname(os.path.abspath(__file__))
storage = "StaticFilesStorage" if os.environ.get("PLAIN") else "ManifestStaticFilesStorage"
settings.configure(
    SECRET_KEY="for the tests only",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    STATIC_URL="static/",
    STATIC_ROOT=os.environ.get("COLLECTED"),
    STATICFILES_DIRS=[os.path.join(here, "assets")],
    INSTALLED_APPS=["django.contrib.staticfiles"],
    MIDDLEWARE=["app.counted" if __name__ == "app" else __name__ + ".counted"],
    STORAGES={"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage." + storage}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
asked = 0


def counted(get_response):
    def middleware(request):
        global asked
        if request.path.startswith("/static"):
            asked += 1
        return get_response(request)

    return middleware


PAGE = """{% load static %}<!doctype html>
<meta charset="utf-8">
<title>page</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{% static 'page.css' %}">
<link rel="stylesheet" href="{% static 'more/admin.css' %}">
<p id="text">text</p><p id="admin">admin</p>
<img id="png" src="{% static 'pic.png' %}">
<img id="svg" src="{% static 'more/pic.svg' %}">
<pre id="seen"></pre>
<script>window.wasmURL = "{% static 'empty.wasm' %}"</script>
<script type="module" src="{% static 'main.mjs' %}"></script>
"""


def page(request):
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))


def tell(request):
    return HttpResponse(str(asked))


urlpatterns = [path("", page), path("asked", tell)]
application = get_wsgi_application()

if __name__ == "__main__":
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=0)
    sys.exit(0)
