"""The WSGI application, for tools that know no ASGI; phone calls need `carematix.asgi`."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from carematix import production

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carematix.settings")
production.refuse_faults(settings)
application = get_wsgi_application()
