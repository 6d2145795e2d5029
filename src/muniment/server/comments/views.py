"""Commenting on a page; the comments themselves are drawn by the tag `comments` on the page of the thing."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import Capability
from muniment.server.comments import services
from muniment.server.comments.forms import CommentForm


@page(needs=Capability.EXCEPTION_READ, methods=("GET", "POST"))
def on(request: HttpRequest, kind: str, wanted: str) -> HttpResponse:
    """The comments on something; a POST adds one."""
    standing = page_standing(request)
    try:
        subject = services.subject_of(standing, kind, wanted)
    except services.NoSuch:
        raise Http404 from None
    form = CommentForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                services.add(standing, kind, wanted, form.cleaned_data["text"])
        except (Malformed, Refused) as error:
            services.record_refused(standing, kind, wanted, error)
            form.add_error("text" if error.where == "text" else None, error.reason)
        else:
            messages.success(request, "Your comment is recorded.")
            return HttpResponseRedirect(f"{subject.url}#comments")
    context = {"subject": subject, "kind": kind, "wanted": wanted, "form": form}
    return render(request, "comments/page.html", context, status=422 if form.errors else 200)
