"""Addresses of tasks, findings and incidents. Ids begin with `tsk_`, `fnd_` and `inc_`."""

from django.urls import path

from muniment.server.remediation.views import findings, incidents, tasks

app_name = "remediation"
urlpatterns = [
    path("tasks", tasks.index, name="tasks"),
    path("tasks/new", tasks.new, name="new-task"),
    path("tasks/<str:task_id>", tasks.task, name="task"),
    path("tasks/<str:task_id>/change", tasks.change, name="change-task"),
    path("tasks/<str:task_id>/step", tasks.step, name="step-task"),
    path("findings", findings.index, name="findings"),
    path("findings/new", findings.new, name="new-finding"),
    path("findings/<str:finding_id>", findings.finding, name="finding"),
    path("findings/<str:finding_id>/change", findings.change, name="change-finding"),
    path("findings/<str:finding_id>/step", findings.step, name="step-finding"),
    path("incidents", incidents.index, name="incidents"),
    path("incidents/new", incidents.new, name="new-incident"),
    path("incidents/<str:incident_id>", incidents.incident, name="incident"),
    path("incidents/<str:incident_id>/change", incidents.change, name="change-incident"),
    path("incidents/<str:incident_id>/step", incidents.step, name="step-incident"),
]
