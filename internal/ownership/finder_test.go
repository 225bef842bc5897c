package ownership

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/testenv"
)

var env *testenv.Environment

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, &env)) }

// installCRD installs a CRD that accepts any object, in the given versions. The first is the storage version.
func installCRD(t *testing.T, group, kind, plural string, scope apiextensionsv1.ResourceScope, versions ...string) {
	t.Helper()
	crd := &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: plural + "." + group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: group, Scope: scope,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: kind, ListKind: kind + "List", Plural: plural, Singular: strings.ToLower(kind)},
		},
	}
	for n, version := range versions {
		crd.Spec.Versions = append(crd.Spec.Versions, apiextensionsv1.CustomResourceDefinitionVersion{
			Name: version, Served: true, Storage: n == 0, Schema: &apiextensionsv1.CustomResourceValidation{
				OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true)},
			},
		})
	}
	_, err := envtest.InstallCRDs(env.Config(), envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{crd}})
	if err != nil {
		t.Fatal(err)
	}
}

func parseObject(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	return o
}

func newTestFinder(t *testing.T, config *rest.Config, log logr.Logger) (*Finder, *clocktesting.FakePassiveClock) {
	t.Helper()
	clock := clocktesting.NewFakePassiveClock(time.Unix(0, 0))
	f, err := New(config, clock, log)
	if err != nil {
		t.Fatal(err)
	}
	return f, clock
}

var (
	testTarget      = scaling.Target{Scope: scaling.Scope{Region: "eu-west-1"}, Kind: scaling.DBCluster, Identifier: "orders"}
	testObservation = scaling.Observation{Instances: []scaling.Instance{
		{Identifier: "orders-1", ARN: "arn:aws:rds:eu-west-1:123456789012:db:orders-1"},
		{Identifier: "orders-2", ARN: "arn:aws:rds:eu-west-1:123456789012:db:orders-2"},
	}}
)

// TestFinder_FollowsDeclarations starts without CRDs, then adds CRDs and objects, stops the objects from declaring a class,
// removes the permission, and makes the API server unreachable.
func TestFinder_FollowsDeclarations(t *testing.T) {
	c, err := env.Client()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	f, clock := newTestFinder(t, env.Config(), funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{}))
	list := func() []scaling.ClassDeclaration {
		t.Helper()
		clock.SetTime(clock.Now().Add(ListInterval))
		declarations, unknown := f.Declarations(t.Context(), testTarget, testObservation)
		if unknown != "" {
			t.Fatal(unknown)
		}
		return declarations
	}
	if got := list(); len(got) > 0 || len(lines) > 0 {
		t.Errorf("without CRDs: got %+v and the log lines %v, want none", got, lines)
	}

	installCRD(t, "rds.services.k8s.aws", "DBInstance", "dbinstances", apiextensionsv1.NamespaceScoped, "v1alpha1")
	installCRD(t, "rds.aws.upbound.io", "Instance", "instances", apiextensionsv1.ClusterScoped, "v1beta3", "v1beta1")
	installCRD(t, "rds.aws.upbound.io", "ClusterInstance", "clusterinstances", apiextensionsv1.ClusterScoped, "v1beta1") // not served in the preferred version
	ack := parseObject(t, `
apiVersion: rds.services.k8s.aws/v1alpha1
kind: DBInstance
metadata: {name: reader, namespace: default}
spec: {dbInstanceIdentifier: orders-2, dbInstanceClass: db.r6g.large}
`)
	writer := parseObject(t, `
apiVersion: rds.aws.upbound.io/v1beta1
kind: ClusterInstance
metadata: {name: writer, annotations: {crossplane.io/external-name: orders-1}}
spec: {forProvider: {region: eu-west-1, instanceClass: db.r6g.xlarge}}
`)
	for _, o := range []*unstructured.Unstructured{ack, writer} {
		if err := c.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if declarations, _ := f.Declarations(t.Context(), testTarget, testObservation); len(declarations) > 0 {
		t.Errorf("found %+v before ListInterval had passed", declarations)
	}
	want := []scaling.ClassDeclaration{
		{Instance: "orders-2", InstanceClass: "db.r6g.large", DeclaredBy: "ACK's DBInstance default/reader (rds.services.k8s.aws)", Remedy: remedyACK},
		{Instance: "orders-1", InstanceClass: "db.r6g.xlarge", DeclaredBy: "Crossplane's ClusterInstance writer (rds.aws.upbound.io)", Remedy: remedyUpjet},
	}
	if got := list(); !slices.Equal(got, want) {
		t.Errorf("found %+v, want %+v", got, want)
	}

	writer.Object["spec"] = map[string]any{
		"forProvider":  map[string]any{"region": "eu-west-1"},
		"initProvider": map[string]any{"instanceClass": "db.r6g.xlarge"},
	}
	ack.SetAnnotations(map[string]string{"services.k8s.aws/read-only": "true"})
	for _, o := range []*unstructured.Unstructured{ack, writer} {
		if err := c.Update(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if got := list(); len(got) > 0 {
		t.Errorf("objects that do not set the class declare %+v", got)
	}
	if len(lines) > 0 {
		t.Errorf("the log lines are %v", lines)
	}
	t.Run("missing permission", func(t *testing.T) { testForbiddenKinds(t, c) })
	t.Run("unreachable API server", func(t *testing.T) {
		config := env.Config()
		config.Host = "127.0.0.1:1"
		f, _ := newTestFinder(t, config, logr.Discard())
		if declarations, unknown := f.Declarations(t.Context(), testTarget, testObservation); len(declarations) > 0 || !strings.Contains(unknown, "dbinstances.rds.services.k8s.aws") {
			t.Errorf("found %+v, unknown %q", declarations, unknown)
		}
	})
	t.Run("API server that became unreachable", func(t *testing.T) {
		delete(ack.GetAnnotations(), "services.k8s.aws/read-only")
		ack.SetAnnotations(nil)
		if err := c.Update(t.Context(), ack); err != nil {
			t.Fatal(err)
		}
		list()
		broken, _ := newTestFinder(t, &rest.Config{Host: "127.0.0.1:1"}, logr.Discard())
		f.apiGroups, f.dynamicClient = broken.apiGroups, broken.dynamicClient
		if got := list(); !slices.Equal(got, want[:1]) {
			t.Errorf("got %+v, want the declarations of the last list %+v", got, want[:1])
		}
	})
}

// testForbiddenKinds checks that kinds that the operator may not list count as empty and are logged once.
func testForbiddenKinds(t *testing.T, c client.Client) {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "restricted"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"rds.aws.upbound.io"}, Resources: []string{"clusterinstances", "instances"}, Verbs: []string{"list"}},
	}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "restricted"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "restricted"}},
	}
	for _, o := range []client.Object{role, binding} {
		if err := c.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	config := env.Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: "restricted", Groups: []string{"system:authenticated"}}
	var lines []string
	f, clock := newTestFinder(t, config, funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{}))
	for range 3 {
		if declarations, unknown := f.Declarations(t.Context(), testTarget, testObservation); len(declarations) > 0 || unknown != "" {
			t.Errorf("found %+v, unknown %q", declarations, unknown)
		}
		clock.SetTime(clock.Now().Add(ListInterval))
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "forbidden") {
		t.Errorf("the log lines are %v", lines)
	}
}
