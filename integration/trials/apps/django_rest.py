"""Django REST framework: its quick start, with WhiteNoise in front of the files, as many projects deploy it."""

from trial import Trial


class RestFramework(Trial):
    name = "drf"
    requirements = ("Django==5.2.19", "djangorestframework==3.18.3", "whitenoise==6.12.0")
    app = "tutorial.wsgi:application"
    find = True
    env = {"DJANGO_SUPERUSER_PASSWORD": "secret-of-the-trial"}

    def prepare(self, project):
        project.run("django-admin", "startproject", "tutorial", ".")
        project.write(
            "tutorial/urls.py",
            """from django.contrib.auth.models import Group, User
from django.urls import include, path
from rest_framework import permissions, routers, serializers, viewsets

class GroupSerializer(serializers.HyperlinkedModelSerializer):
    class Meta:
        model = Group
        fields = ["url", "name"]

class GroupViewSet(viewsets.ModelViewSet):
    queryset = Group.objects.all().order_by("name")
    serializer_class = GroupSerializer
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

router = routers.DefaultRouter()
router.register(r"groups", GroupViewSet)
urlpatterns = [path("", include(router.urls)), path("api-auth/", include("rest_framework.urls", namespace="rest_framework"))]
""",
        )
        project.edit("tutorial/settings.py", "INSTALLED_APPS = [", "INSTALLED_APPS = [\n    'rest_framework',")
        project.edit(
            "tutorial/settings.py",
            "'django.middleware.security.SecurityMiddleware',",
            "'django.middleware.security.SecurityMiddleware',\n    'whitenoise.middleware.WhiteNoiseMiddleware',",
        )
        project.edit("tutorial/settings.py", "DEBUG = True", "DEBUG = False")
        with open(project.path("tutorial/settings.py"), "a") as f:
            f.write("""
ALLOWED_HOSTS = ["127.0.0.1"]
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {"default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}, "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
""")
        project.run("python", "manage.py", "migrate")
        project.run("python", "manage.py", "collectstatic", "--noinput")
        project.run("python", "manage.py", "createsuperuser", "--noinput", "--username", "admin", "--email", "admin@example.org")

    def visit(self, browser):
        page = browser.get("/", Accept="text/html")
        browser.assets(page, "the browsable API's files")
        browser.get("/groups/", "JSON", Accept="application/json")
        browser.send("POST", "/groups/", b'{"name": "x"}', label="without a login", fields={"Content-Type": "application/json"})
        page = browser.get("/api-auth/login/?next=/groups/", Accept="text/html")
        page = browser.submit(page, "username", {"username": "admin", "password": "secret-of-the-trial"}, "log in")
        token = browser.cookies["csrftoken"]
        made = browser.send(
            "POST",
            "/groups/",
            b'{"name": "editors"}',
            label="create",
            follow=False,
            fields={"Content-Type": "application/json", "Accept": "application/json", "X-CSRFToken": token, "Referer": "http://127.0.0.1/"},
        )
        browser.check("it was made", made.status == 201)
        browser.send(
            "PUT",
            "/groups/1/",
            b'{"name": "authors"}',
            label="change",
            fields={"Content-Type": "application/json", "Accept": "application/json", "X-CSRFToken": token},
        )
        browser.send("OPTIONS", "/groups/", label="OPTIONS", fields={"Accept": "application/json"})
        browser.send("DELETE", "/groups/1/", label="delete", fields={"X-CSRFToken": token})
        browser.get("/groups/1/", "it is gone", Accept="application/json")
