"""What a machine without syslog, without a libvirt user and with a release candidate needs."""
import logging
import os
import shutil

logging.raiseExceptions = False

change_owner = shutil.chown


def forgiving_chown(*args, **options):
    try:
        change_owner(*args, **options)
    except (LookupError, PermissionError):
        pass


shutil.chown = forgiving_chown

# 0.8.0.0rc4 ends a screenshot with os.link(path) where os.unlink(path) is meant, and so always answers 400.
link = os.link
os.link = lambda source, target=None, **options: link(source, target, **options) if target else os.unlink(source)
