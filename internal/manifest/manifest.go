// Package manifest reads a DBScalingPolicy like the API server: it applies the defaults and the validation of the
// CustomResourceDefinition.
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

// Reader reads policies with the schema of one version of the CustomResourceDefinition.
type Reader struct {
	structuralSchema *structuralschema.Structural
	schemaValidator  validation.SchemaValidator
	celValidator     *cel.Validator
}

// NewReader returns a Reader for the CustomResourceDefinition of this version of dbscaler. It fails only when that definition
// is invalid.
func NewReader() (*Reader, error) {
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(crd.DBScalingPolicyYAML, &definition); err != nil {
		return nil, fmt.Errorf("invalid CustomResourceDefinition: %w", err)
	}
	var schema apiextensions.JSONSchemaProps
	versionedSchema := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(versionedSchema, &schema, nil); err != nil {
		return nil, fmt.Errorf("invalid CustomResourceDefinition: %w", err)
	}
	structural, err := structuralschema.NewStructural(&schema)
	if err != nil {
		return nil, fmt.Errorf("invalid CustomResourceDefinition: %w", err)
	}
	schemaValidator, _, err := validation.NewSchemaValidator(&schema)
	if err != nil {
		return nil, fmt.Errorf("invalid CustomResourceDefinition: %w", err)
	}
	return &Reader{
		structuralSchema: structural, schemaValidator: schemaValidator,
		celValidator: cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}, nil
}

// ReadPolicy converts an object to a policy and sets defaults. The error says in one line what the API server would reject.
func (r *Reader) ReadPolicy(ctx context.Context, u *unstructured.Unstructured) (*v1alpha1.DBScalingPolicy, error) {
	if gvk := v1alpha1.GroupVersion.WithKind("DBScalingPolicy"); u.GroupVersionKind() != gvk {
		return nil, fmt.Errorf("the object is a %s of %s: use a %s of %s", u.GetKind(), u.GetAPIVersion(), gvk.Kind, gvk.GroupVersion())
	}
	object := runtime.DeepCopyJSON(u.Object)
	delete(object, "status")
	trackUnknown := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	unknown := pruning.PruneWithOptions(object, r.structuralSchema, true, trackUnknown)
	if len(unknown) > 0 {
		return nil, fmt.Errorf("unknown field %s: correct or remove it", strings.Join(unknown, ", "))
	}
	defaulting.Default(object, r.structuralSchema)
	errs := validation.ValidateCustomResource(nil, object, r.schemaValidator)
	if len(errs) == 0 { // the CEL rules require an object that matches the schema
		errs, _ = r.celValidator.Validate(ctx, nil, r.structuralSchema, object, nil, celconfig.RuntimeCELCostBudget)
	}
	if len(errs) > 0 {
		return nil, joinErrors(errs)
	}
	policy := &v1alpha1.DBScalingPolicy{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, policy); err != nil {
		return nil, err
	}
	return policy, nil
}

// joinErrors joins validation errors in one line.
func joinErrors(errs field.ErrorList) error {
	texts := make([]string, len(errs))
	for n, err := range errs {
		texts[n] = err.Error()
	}
	return errors.New(strings.Join(strings.Fields(strings.Join(texts, "; ")), " "))
}
