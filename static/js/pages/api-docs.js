// The API's description as a page. Requests tried there go with the session of whoever looks, or with a key given there.

const place = document.getElementById("api-docs");
window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.schema,
  deepLinking: true,
  requestInterceptor(request) {
    if (!["GET", "HEAD"].includes(request.method)) request.headers["X-CSRFToken"] = place.dataset.csrfToken;
    return request;
  },
});
