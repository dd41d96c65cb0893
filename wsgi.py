"""The WSGI application `app`, configured by the environment: for gunicorn, granian, uWSGI and mod_wsgi."""

import os

from feeds.config import Config
from feeds.logs import start_logging
from feeds.web import create_app

config = Config.from_env(os.environ)
start_logging(config.log_format, config.access_keys)
app = create_app(config)
