"""The WSGI application `app`, configured by the environment: for gunicorn, granian, uWSGI and mod_wsgi."""

import os

from feeds.config import Config
from feeds.web import create_app

app = create_app(Config.from_env(os.environ))
