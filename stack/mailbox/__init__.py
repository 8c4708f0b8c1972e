"""The mailbox of the demo: takes every mail by SMTP, delivers none, and shows them in a browser. Not for production."""
