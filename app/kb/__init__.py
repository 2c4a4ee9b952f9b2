"""The help center's articles: how they are written, kept clean and found."""
