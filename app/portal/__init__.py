"""The customers' face: sign-in, their tickets, the guest form, files and the help center."""
