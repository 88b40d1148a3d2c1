"""The WSGI application, for tools that know no ASGI; phone calls need `carematix.asgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carematix.settings")
application = get_wsgi_application()
