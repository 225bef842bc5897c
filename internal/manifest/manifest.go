// Package manifest reads a DBScalingPolicy from a file as the API server would take it: with its defaults, and with its validation.
package manifest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/config/crd"
)

// Reader reads policies.
type Reader struct {
	structuralSchema *structuralschema.Structural
	schemaValidator  validation.SchemaValidator
	celValidator     *cel.Validator
}

// NewReader makes a reader for the definition that this version of dbscaler installs. It fails only when that makes no sense.
func NewReader() (*Reader, error) {
	var versioned apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(crd.DBScalingPolicyYAML, &versioned); err != nil {
		return nil, fmt.Errorf("the CustomResourceDefinition: %w", err)
	}
	var out apiextensions.JSONSchemaProps
	in := versioned.Spec.Versions[0].Schema.OpenAPIV3Schema
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(in, &out, nil); err != nil {
		return nil, fmt.Errorf("the CustomResourceDefinition: %w", err)
	}
	structural, err := structuralschema.NewStructural(&out)
	if err != nil {
		return nil, fmt.Errorf("the CustomResourceDefinition: %w", err)
	}
	schema, _, err := validation.NewSchemaValidator(&out)
	if err != nil {
		return nil, fmt.Errorf("the CustomResourceDefinition: %w", err)
	}
	return &Reader{structuralSchema: structural, schemaValidator: schema, celValidator: cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}

// ReadPolicy reads an object. It may leave out what has a default. The error says in one line what the API server would refuse.
func (r *Reader) ReadPolicy(ctx context.Context, u *unstructured.Unstructured) (*v1alpha1.DBScalingPolicy, error) {
	if gvk := v1alpha1.GroupVersion.WithKind("DBScalingPolicy"); u.GroupVersionKind() != gvk {
		return nil, fmt.Errorf("it is a %s of %s, and a %s of %s is wanted", u.GetKind(), u.GetAPIVersion(), gvk.Kind, gvk.GroupVersion())
	}
	object := runtime.DeepCopyJSON(u.Object)
	delete(object, "status")
	unknown := pruning.PruneWithOptions(object, r.structuralSchema, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	if len(unknown) > 0 {
		return nil, fmt.Errorf("nobody knows the field %s: correct it, or remove it", strings.Join(unknown, ", "))
	}
	defaulting.Default(object, r.structuralSchema)
	problems := validation.ValidateCustomResource(nil, object, r.schemaValidator)
	if len(problems) == 0 { // the rules count on what the schema has checked
		problems, _ = r.celValidator.Validate(ctx, nil, r.structuralSchema, object, nil, celconfig.RuntimeCELCostBudget)
	}
	if len(problems) > 0 {
		return nil, joinErrors(problems)
	}
	policy := &v1alpha1.DBScalingPolicy{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, policy); err != nil {
		return nil, err
	}
	return policy, nil
}

// joinErrors writes problems in one line.
func joinErrors(problems field.ErrorList) error {
	texts := make([]string, len(problems))
	for n, p := range problems {
		texts[n] = p.Error()
	}
	return errors.New(strings.Join(strings.Fields(strings.Join(texts, "; ")), " "))
}
