"""Who is told what, in the app and by mail, and what each person wants of it."""
