"""Addresses of the policy library. Ids begin with `pol_`; a code is taken too, but for `new`."""

from django.urls import path

from muniment.server.policies import views

app_name = "policies"
urlpatterns = [
    path("policies", views.index, name="list"),
    path("policies/new", views.new, name="new"),
    path("policies/<str:policy_id>", views.policy, name="policy"),
    path("policies/<str:policy_id>/change", views.change, name="change"),
    path("policies/<str:policy_id>/retire", views.retire, name="retire"),
    path("policies/<str:policy_id>/versions/<int:number>", views.version, name="version"),
]
