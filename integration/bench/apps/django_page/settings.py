"""A site of one page, without a database."""

import os

BASE = os.path.dirname(os.path.abspath(__file__))
SECRET_KEY = "for the benchmark alone"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "django_page.urls"
INSTALLED_APPS = ["django.contrib.staticfiles"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
STATIC_URL = "/static/"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [os.path.join(BASE, "templates")]}]
