"""`agent.kind: playbook`: runs the tasks that the site's owner has written."""
