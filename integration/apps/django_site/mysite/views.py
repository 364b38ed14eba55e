import hashlib

from django.http import HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.template import Context, Template
from django.views.decorators.http import etag, require_POST

FORM = """<!doctype html><title>Django site</title>
<h1>{{ title }}</h1>
<form method="post" action="/form"><input name="name"><button>Send</button></form>"""


def text(body):
    return HttpResponse(body, content_type="text/plain; charset=utf-8")


def page(request):
    return HttpResponse(Template(FORM).render(Context({"title": "Django site"})))


@require_POST
def form(request):
    return text("Hello, %s" % request.POST["name"])


@require_POST
def upload(request):
    f = request.FILES["file"]
    digest = hashlib.sha256()
    for chunk in f.chunks():
        digest.update(chunk)
    return JsonResponse({"name": f.name, "size": f.size, "sha256": digest.hexdigest()})


@require_POST
def login(request):
    request.session["user"] = request.POST["user"]
    response = HttpResponseRedirect("/whoami")
    response.status_code = 303
    return response


def whoami(request):
    return text("user: %s" % request.session.get("user", "-"))


def stream(request):
    return StreamingHttpResponse(("line %d\n" % n for n in range(200)), content_type="text/plain; charset=utf-8")


def download(request):
    return HttpResponse(bytes(range(256)) * 8192, content_type="application/octet-stream")


def bulk(request):
    return StreamingHttpResponse((bytes(range(256)) * 256 for _ in range(1600)), content_type="application/octet-stream")


@etag(lambda request: '"e1"')
def fresh(request):
    return text("fresh")


def hello(request, name):
    return text("path=%s q=%s" % (name, request.GET.get("q", "")))


def old(request):
    return HttpResponseRedirect("/")


def boom(request):
    raise ValueError("boom in the view")  # boom
