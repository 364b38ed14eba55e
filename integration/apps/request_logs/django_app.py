import said
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(
    SECRET_KEY="for the tests only",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "loggers": {"django.request": {"handlers": ["console"], "level": "ERROR", "propagate": False}},
    },
)


def chatter(request, me):
    said.chatter(me)
    request.environ["wsgi.errors"].write("%s by wsgi.errors\n" % me)
    return HttpResponse("ok")


def fail(request, me):
    said.nested(me)
    raise ValueError("raised by " + me)


urlpatterns = [path("chatter/<me>", chatter), path("fail/<me>", fail)]
app = get_wsgi_application()
