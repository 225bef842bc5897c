package dashboard

import (
	"context"
	"embed"
	"net"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assets embed.FS

// contentTypes are those of the files of the page, by the end of their name. No table of the operating system has a say.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
}

// indexFile is the page itself.
const indexFile = "index.html"

// contentSecurityPolicy allows the files of this server and nothing else: no inline script or style, no other host, no frame, no form.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// handler serves the page and its data at an address. start runs a function beside the requests, until the server stops.
func (s *Server) handler(address string, start func(run func(ctx context.Context))) http.Handler {
	mux := http.NewServeMux()
	files, err := assets.ReadDir("assets")
	if err != nil {
		panic(err) // they are part of the program
	}
	for _, file := range files {
		name, pattern := file.Name(), "GET /"+file.Name()
		if name == indexFile {
			pattern = "GET /{$}"
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { writeAsset(w, name) })
	}
	a := &api{server: s, start: start}
	mux.HandleFunc("GET /api/about", a.about)
	mux.HandleFunc("GET /api/fleet", a.fleet)
	mux.HandleFunc("GET /api/policies", a.policies)
	mux.HandleFunc("GET /api/policies/{namespace}/{name}", a.policy)
	mux.HandleFunc("GET /api/policies/{namespace}/{name}/day", a.day)
	return protect(address, mux)
}

func writeAsset(w http.ResponseWriter, name string) {
	text, err := assets.ReadFile("assets/" + name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentTypes[path.Ext(name)])
	_, _ = w.Write(text)
}

// protect rejects requests that are not from the page itself, and sets the headers that limit what the page may do.
func protect(address string, next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(address) // of a listener
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case r.Host != "127.0.0.1:"+port && r.Host != "localhost:"+port:
			// Another name that resolves to 127.0.0.1 is how a web site reads a local server (DNS rebinding): the browser then
			// takes the server for a part of that site.
			http.Error(w, "this server answers only for 127.0.0.1:"+port+" and localhost:"+port, http.StatusMisdirectedRequest)
		case strings.HasPrefix(r.URL.Path, "/api/") && isFromOtherSite(r):
			http.Error(w, "only the page of this server may read its data", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// isFromOtherSite reports whether a browser says that another site makes the request (W3C Fetch Metadata Request Headers). Programs such as
// curl say nothing.
func isFromOtherSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none"
}
