"""What runs behind `wireroom up`: a private Redis and the three services, kept alive and drained in order."""
