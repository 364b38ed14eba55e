from django.shortcuts import render
from django.urls import path

PRODUCTS = [{"slug": "product-%d" % n, "name": "Product <%d>" % n, "price": 100 + n} for n in range(30)]


def page(request):
    return render(request, "page.html", {"title": "The shop", "products": PRODUCTS})


urlpatterns = [path("", page)]
