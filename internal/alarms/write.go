package alarms

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/yaml"
)

// Format is a format of output.
type Format string

// The formats.
const (
	Terraform      Format = "terraform"
	CloudFormation Format = "cloudformation"
	ACK            Format = "ack"
	Crossplane     Format = "crossplane"
	Prometheus     Format = "prometheus"
)

// Formats are all formats.
func Formats() []Format { return []Format{Terraform, CloudFormation, ACK, Crossplane, Prometheus} }

// Write prints the alarms in a format.
func Write(w io.Writer, format Format, set Set) error {
	var content []byte
	var err error
	switch format {
	case Terraform:
		content = formatTerraform(&set)
	case CloudFormation:
		content, err = yaml.Marshal(cloudFormationTemplate(&set))
	case ACK:
		content, err = marshalDocuments(ackAlarms(&set))
	case Crossplane:
		content, err = marshalDocuments(crossplaneAlarms(&set))
	case Prometheus:
		content, err = yaml.Marshal(prometheusRule(&set))
	default:
		return fmt.Errorf("unknown format %q", format)
	}
	if err != nil {
		return err
	}
	_, err = w.Write(append([]byte(header(&set, format)), content...))
	return err
}

// header is the comment at the beginning. All formats have # comments.
func header(set *Set, format Format) string {
	account := "the account of the database"
	switch {
	case set.AccountID != "":
		account = "account " + set.AccountID
	case set.AccountName != "":
		account = "the account of the AWSAccount " + set.AccountName
	}
	lines := []string{
		fmt.Sprintf("Alarms of the policy %s/%s, for %s in %s, in %s.", set.Namespace, set.Name, set.Policy.Target.Identifier,
			set.Region, account),
		"Printed by kubectl dbscaler alarms. Print them again after a change of the policy.",
	}
	switch format {
	case Prometheus:
		lines = append(lines, "These rules do not work while the Kubernetes cluster is down: the other formats do.")
	case ACK:
		lines = append(lines, "The controller must use "+account+": the annotation services.k8s.aws/owner-account-id of the namespace says so.")
	case Crossplane:
		lines = append(lines, "The ProviderConfig must use "+account+": set spec.providerConfigRef if it is not the default one.")
	default:
		lines = append(lines, "Apply them in this region and account: elsewhere they have no data and never fire.")
	}
	if len(set.TopicARNs) == 0 && format != Prometheus {
		lines = append(lines, "They notify nobody: set --sns-topic-arn.")
	}
	if format != Prometheus {
		lines = append(lines, set.Notes...)
	}
	return "# " + strings.Join(lines, "\n# ") + "\n"
}

// marshalDocuments prints Kubernetes objects as documents of one YAML file.
func marshalDocuments(objects []object) ([]byte, error) {
	var out bytes.Buffer
	for _, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			return nil, err
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	return out.Bytes(), nil
}

// object is a Kubernetes object.
type object struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
	Spec       any      `json:"spec"`
}

type metadata struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}
