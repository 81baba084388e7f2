// Package page is the operator's page: what a browser needs to show and steer conferences and recordings by the HTTP API. The files are part of the
// program, are made without tools, need nothing from elsewhere, and hold no secrets: whoever opens the page gives the token himself, and only if the API
// asks for one.
package page
