"""The staff's face: list, workspace, dashboard, admin pages, and the commands of the desk."""
