package argocdtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// action is an action as Argo CD's API lists it.
type action struct {
	Name        string `json:"name"`
	Disabled    bool   `json:"disabled"`
	DisplayName string `json:"displayName"`
}

// listActions asks Argo CD's API for the actions of a policy.
func (e *environment) listActions(t *testing.T, app, policy string) map[string]action {
	t.Helper()
	query := url.Values{}
	for key, value := range policyParameters(policy) {
		query.Set(key, value)
	}
	var list struct {
		Actions []action `json:"actions"`
	}
	e.callAPI(t, http.MethodGet, "/api/v1/applications/"+app+"/resource/actions?"+query.Encode(), nil, &list)
	byName := map[string]action{}
	for _, a := range list.Actions {
		byName[a.Name] = a
	}
	return byName
}

// runAction runs an action of a policy with Argo CD's API, as its user interface does. It fails if the action is not offered.
func (e *environment) runAction(t *testing.T, app, policy, name string) {
	t.Helper()
	if offered, ok := e.listActions(t, app, policy)[name]; !ok || offered.Disabled {
		t.Errorf("Argo CD does not offer the action %s of the policy %s: %+v", name, policy, offered)
	}
	parameters := policyParameters(policy)
	parameters["name"], parameters["action"] = app, name
	e.callAPI(t, http.MethodPost, "/api/v1/applications/"+app+"/resource/actions/v2", parameters, nil)
}

func policyParameters(policy string) map[string]string {
	return map[string]string{
		"namespace": policyNamespace, "resourceName": policy, "group": "scaling.dbscaler.io", "version": "v1alpha1", "kind": "DBScalingPolicy",
	}
}

// callAPI sends a request to Argo CD's API and decodes the answer into to, if it is not nil.
func (e *environment) callAPI(t *testing.T, method, path string, body, to any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(e.ctx, method, e.api+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := httpClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s, %v\n%s", method, path, response.Status, err, answer)
	}
	if to == nil {
		return
	}
	if err := json.Unmarshal(answer, to); err != nil {
		t.Fatalf("%s %s: %v\n%s", method, path, err, answer)
	}
}

// notificationReceiver receives the notifications of Argo CD as a webhook, and reports each one as a change.
type notificationReceiver struct {
	url string

	mu       sync.Mutex
	messages []string
	// next is the index after the message that find has found last.
	next int
}

func newNotificationReceiver(t *testing.T, changes *changes) *notificationReceiver {
	t.Helper()
	r := &notificationReceiver{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			body = []byte(err.Error())
		}
		r.mu.Lock()
		r.messages = append(r.messages, string(body))
		r.mu.Unlock()
		changes.report()
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// find returns the first message that has all parts, of those after the one that it has found last, and whether there is one.
func (r *notificationReceiver) find(parts ...string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n, message := range r.messages[r.next:] {
		lacks := func(part string) bool { return !strings.Contains(message, part) }
		if !slices.ContainsFunc(parts, lacks) {
			r.next += n + 1
			return message, true
		}
	}
	return "", false
}

// all returns all messages.
func (r *notificationReceiver) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.messages, "\n---\n")
}
