package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// reportCollector reads what a report contains, with the user's permissions. What it may not read is noted, and it goes on.
type reportCollector struct {
	archive  *reportArchive
	client   client.Client
	cluster  kubernetes.Interface
	logLines int64
	// images are those of the containers of the operator.
	images []string
}

func newReportCollector(kube *genericclioptions.ConfigFlags, archive *reportArchive, logLines int64) (*reportCollector, error) {
	config, err := kube.ToRESTConfig()
	if err != nil {
		return nil, asInputError(shortenError(err))
	}
	config.QPS, config.Burst = kubectlQPS, kubectlBurst
	c, err := client.New(config, client.Options{Scheme: runtime.NewScheme()})
	if err != nil {
		return nil, shortenError(err)
	}
	cluster, err := kubernetes.NewForConfig(config)
	return &reportCollector{archive: archive, client: c, cluster: cluster, logLines: logLines}, err
}

// kind is a kind of object, with the resource that a right names.
type kind struct{ group, version, kind, resource string }

var (
	kindPolicy      = kind{v1alpha1.GroupVersion.Group, v1alpha1.GroupVersion.Version, "DBScalingPolicy", "dbscalingpolicies"}
	kindAccount     = kind{v1alpha1.GroupVersion.Group, v1alpha1.GroupVersion.Version, "AWSAccount", "awsaccounts"}
	kindEvent       = kind{"events.k8s.io", "v1", "Event", "events"}
	kindDeployment  = kind{"apps", "v1", "Deployment", "deployments"}
	kindStatefulSet = kind{"apps", "v1", "StatefulSet", "statefulsets"}
	kindPod         = kind{"", "v1", "Pod", "pods"}
	kindLease       = kind{"coordination.k8s.io", "v1", "Lease", "leases"}
	kindConfigMap   = kind{"", "v1", "ConfigMap", "configmaps"}
	kindCRD         = kind{"apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions"}
)

// rightName is the resource with its group, as kubectl auth can-i names it.
func (k kind) rightName() string {
	if k.group == "" {
		return k.resource
	}
	return k.resource + "." + k.group
}

// noteError notes why something could not be read, with the right that is missing.
func (c *reportCollector) noteError(err error, verb, resource, namespace string) {
	where := "in the namespace " + namespace
	if namespace == "" {
		where = "in the cluster"
	}
	switch {
	case err == nil:
	case apierrors.IsForbidden(err):
		c.archive.addProblem("you may not %s %s %s: ask for a role with the verb %s on them", verb, resource, where, verb)
	default:
		c.archive.addProblem("%s %s could not be read: %v", resource, where, shortenError(err))
	}
}

// list lists objects. An error is noted.
func (c *reportCollector) list(ctx context.Context, k kind, namespace string, options ...client.ListOption) []unstructured.Unstructured {
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion(strings.TrimPrefix(k.group+"/"+k.version, "/"))
	list.SetKind(k.kind + "List")
	err := c.client.List(ctx, list, append(options, client.InNamespace(namespace))...)
	if meta.IsNoMatchError(err) {
		return nil
	}
	c.noteError(err, "list", k.rightName(), namespace)
	return list.Items
}

// addObjects adds a file with objects, unless there are none.
func (c *reportCollector) addObjects(name string, objects []unstructured.Unstructured) {
	if len(objects) == 0 {
		return
	}
	if err := c.archive.addObjects(name, objects); err != nil {
		c.archive.addProblem("%s: %v", name, err)
	}
}

// addPolicies adds the policies as the API server has them, and the events about policies of their namespaces.
func (c *reportCollector) addPolicies(ctx context.Context, policies []v1alpha1.DBScalingPolicy) {
	var namespaces []string
	for n := range policies {
		p := &policies[n]
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(p)
		if err != nil {
			c.archive.addProblem("%s/%s: %v", p.Namespace, p.Name, err)
			continue
		}
		u := unstructured.Unstructured{Object: object}
		u.SetAPIVersion(v1alpha1.GroupVersion.String())
		u.SetKind(kindPolicy.kind)
		c.addObjects(fmt.Sprintf("policies/%s/%s.yaml", p.Namespace, p.Name), []unstructured.Unstructured{u})
		if !slices.Contains(namespaces, p.Namespace) {
			namespaces = append(namespaces, p.Namespace)
		}
	}
	aboutPolicies := client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("regarding.kind", kindPolicy.kind)}
	for _, namespace := range namespaces {
		c.addObjects("events/"+namespace+".yaml", c.list(ctx, kindEvent, namespace, aboutPolicies))
	}
}

// addAccounts adds the AWSAccounts.
func (c *reportCollector) addAccounts(ctx context.Context) {
	c.addObjects("awsaccounts.yaml", c.list(ctx, kindAccount, ""))
}

// operatorLabels select the objects of the operator, as config/manager and the chart label them.
var operatorLabels = client.MatchingLabels{"app.kubernetes.io/name": installedName}

// addOperator adds the objects of the operator, its logs and its metrics.
func (c *reportCollector) addOperator(ctx context.Context, namespace string) {
	noted := len(c.archive.problems)
	deployments := c.list(ctx, kindDeployment, namespace, operatorLabels)
	sets := c.list(ctx, kindStatefulSet, namespace, operatorLabels)
	pods := c.list(ctx, kindPod, namespace, operatorLabels)
	c.addObjects("operator/deployments.yaml", deployments)
	c.addObjects("operator/statefulsets.yaml", sets)
	c.addObjects("operator/leases.yaml", c.list(ctx, kindLease, namespace))
	c.addObjects("events/operator.yaml", c.list(ctx, kindEvent, namespace))
	if len(deployments)+len(sets)+len(pods) == 0 && len(c.archive.problems) == noted {
		c.archive.addProblem("the operator: the namespace %s has no Deployment, StatefulSet or pod with the label app.kubernetes.io/name=%s: "+
			"set --operator-namespace", namespace, installedName)
	}
	typed := make([]corev1.Pod, len(pods))
	for n := range pods {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(pods[n].Object, &typed[n]); err != nil {
			c.archive.addProblem("the pod %s: %v", pods[n].GetName(), err)
		}
	}
	c.addObjects("operator/pods.yaml", pods)
	c.addConfigMaps(ctx, namespace, typed)
	for n := range typed {
		c.addLogs(ctx, &typed[n])
		c.addMetrics(ctx, &typed[n])
	}
}

// addConfigMaps adds the ConfigMaps that the pods of the operator mount or take variables from, each by its name.
func (c *reportCollector) addConfigMaps(ctx context.Context, namespace string, pods []corev1.Pod) {
	var names []string
	addName := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for n := range pods {
		for _, volume := range pods[n].Spec.Volumes {
			if volume.ConfigMap != nil {
				addName(volume.ConfigMap.Name)
			}
		}
		for _, container := range pods[n].Spec.Containers {
			for _, from := range container.EnvFrom {
				if from.ConfigMapRef != nil {
					addName(from.ConfigMapRef.Name)
				}
			}
		}
	}
	var objects []unstructured.Unstructured
	for _, name := range names {
		u := unstructured.Unstructured{}
		u.SetAPIVersion(kindConfigMap.version)
		u.SetKind(kindConfigMap.kind)
		if err := c.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &u); err != nil {
			c.noteError(err, "get", "configmaps/"+name, namespace)
			continue
		}
		objects = append(objects, u)
	}
	c.addObjects("operator/configmaps.yaml", objects)
}

// maxLogBytes is the most that is read of a log.
const maxLogBytes = 16 << 20

// addLogs adds the end of the log of each container of a pod, and that before its last restart.
func (c *reportCollector) addLogs(ctx context.Context, pod *corev1.Pod) {
	for _, container := range pod.Spec.Containers {
		c.images = append(c.images, fmt.Sprintf("%s of pod %s: %s", container.Name, pod.Name, container.Image))
		restarts := int32(0)
		for _, status := range pod.Status.ContainerStatuses {
			if status.Name == container.Name {
				restarts = status.RestartCount
				c.images = append(c.images, fmt.Sprintf("%s of pod %s runs: %s", container.Name, pod.Name, status.ImageID))
			}
		}
		c.addLog(ctx, pod, container.Name, false)
		if restarts > 0 {
			c.addLog(ctx, pod, container.Name, true)
		}
	}
}

func (c *reportCollector) addLog(ctx context.Context, pod *corev1.Pod, container string, previous bool) {
	name := fmt.Sprintf("operator/logs/%s.%s.log", pod.Name, container)
	if previous {
		name = fmt.Sprintf("operator/logs/%s.%s.previous.log", pod.Name, container)
	}
	stream, err := c.cluster.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{
		Container: container, Previous: previous, TailLines: &c.logLines, Timestamps: true,
	}).Stream(ctx)
	if err != nil {
		c.noteError(err, "get", "pods/log", pod.Namespace)
		return
	}
	text, err := io.ReadAll(io.LimitReader(stream, maxLogBytes))
	if err = errors.Join(err, stream.Close()); err != nil {
		c.archive.addProblem("%s is not complete: %v", name, shortenError(err))
	}
	c.archive.add(name, string(text))
}

// metricsPort is the name of the port of the metrics.
const metricsPort = "metrics"

// addMetrics adds the metrics of a pod, read through the proxy of the API server. The proxy passes no token on, so that an operator with
// --metrics-secure answers that it does not know the caller: then the note says how to read them.
func (c *reportCollector) addMetrics(ctx context.Context, pod *corev1.Pod) {
	scheme, port := "https", ""
	for _, container := range pod.Spec.Containers {
		if slices.Contains(container.Args, "--metrics-secure=false") {
			scheme = "http"
		}
		for _, p := range container.Ports {
			if p.Name == metricsPort {
				port = fmt.Sprint(p.ContainerPort)
			}
		}
	}
	if port == "" {
		c.archive.addProblem("metrics of the pod %s: it has no port named %s", pod.Name, metricsPort)
		return
	}
	text, err := c.cluster.CoreV1().Pods(pod.Namespace).ProxyGet(scheme, pod.Name, port, "metrics", nil).DoRaw(ctx)
	switch {
	case apierrors.IsUnauthorized(err):
		c.archive.addProblem("metrics of the pod %s: the operator serves them only with a token, which the proxy of the API server does not "+
			"pass on: add them from your Prometheus, or read them with a token as docs/monitoring.md says", pod.Name)
	case apierrors.IsForbidden(err):
		c.noteError(err, "get", "pods/proxy", pod.Namespace)
	case err != nil:
		c.archive.addProblem("metrics of the pod %s: %v: %.200s", pod.Name, shortenError(err), strings.TrimSpace(string(text)))
	default:
		c.archive.add(fmt.Sprintf("operator/metrics/%s.txt", pod.Name), string(text))
	}
}

// addVersions adds the versions of everything.
func (c *reportCollector) addVersions(ctx context.Context) {
	var text strings.Builder
	fmt.Fprintf(&text, "plugin: %s\n", buildVersion())
	if version, err := c.cluster.Discovery().ServerVersion(); err != nil {
		c.archive.addProblem("the version of Kubernetes: %v", shortenError(err))
	} else {
		fmt.Fprintf(&text, "kubernetes: %s (%s)\n", version.GitVersion, version.Platform)
	}
	for _, image := range c.images {
		fmt.Fprintf(&text, "operator: %s\n", image)
	}
	for _, k := range []kind{kindPolicy, kindAccount} {
		crd := &unstructured.Unstructured{}
		crd.SetAPIVersion(kindCRD.group + "/" + kindCRD.version)
		crd.SetKind(kindCRD.kind)
		name := k.rightName()
		if err := c.client.Get(ctx, client.ObjectKey{Name: name}, crd); err != nil {
			c.noteError(err, "get", kindCRD.rightName()+"/"+name, "")
			continue
		}
		stored, _, err := unstructured.NestedStringSlice(crd.Object, "status", "storedVersions")
		if err != nil {
			stored = nil // a CRD that the API server has not established
		}
		fmt.Fprintf(&text, "crd: %s generation %d, created %s, stored versions %s, labels %v\n", name, crd.GetGeneration(),
			crd.GetCreationTimestamp().UTC().Format(metav1.RFC3339Micro), strings.Join(stored, " "), crd.GetLabels())
	}
	c.archive.add("versions.txt", text.String())
}
