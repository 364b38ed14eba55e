from django.urls import path

from . import views

urlpatterns = [
    path("", views.page),
    path("form", views.form),
    path("upload", views.upload),
    path("login", views.login),
    path("whoami", views.whoami),
    path("stream", views.stream),
    path("download", views.download),
    path("bulk", views.bulk),
    path("fresh", views.fresh),
    path("hello/<name>", views.hello),
    path("old", views.old),
    path("boom", views.boom),
]
