package crd

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// TestItemsHaveNoDefaults: the API server writes a default into each item of a list that lacks the field. With ServerSideApply=true,
// Argo CD 3.2 then shows the object as OutOfSync for ever, and syncs it again every few minutes. A default of a field outside lists and
// maps does no harm.
func TestItemsHaveNoDefaults(t *testing.T) {
	files, err := filepath.Glob("bases/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("found the CRDs %v: %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(data, &definition); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, version := range definition.Spec.Versions {
			for _, path := range findItemDefaults(version.Name, *version.Schema.OpenAPIV3Schema, false) {
				t.Errorf("%s: %s has a default inside of a list or map: remove it, and let the operator read the absent field as the default",
					file, path)
			}
		}
	}
}

func TestFindItemDefaults(t *testing.T) {
	var schema apiextensionsv1.JSONSchemaProps
	if err := yaml.UnmarshalStrict([]byte(`
properties:
  harmless: {default: {}, properties: {field: {default: 1}}}
  defaultedList: {default: [], items: {properties: {plain: {type: string}}}}
  list: {items: {properties: {zone: {default: UTC}, nested: {properties: {deep: {default: 2}}}}}}
  scalars: {items: {default: x}}
  map: {additionalProperties: {properties: {size: {default: 3}}}}
  lists: {items: {items: {properties: {zone: {default: UTC}}}}}
`), &schema); err != nil {
		t.Fatal(err)
	}
	want := []string{"v1.list[].nested.deep", "v1.list[].zone", "v1.lists[][].zone", "v1.map{}.size", "v1.scalars[]"}
	if got := findItemDefaults("v1", schema, false); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// findItemDefaults returns the sorted paths of the fields with a default that are in the items of a list or in the values of a map.
func findItemDefaults(path string, schema apiextensionsv1.JSONSchemaProps, inItem bool) []string {
	var found []string
	if inItem && schema.Default != nil {
		found = append(found, path)
	}
	for name, property := range schema.Properties {
		found = append(found, findItemDefaults(path+"."+name, property, inItem)...)
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		found = append(found, findItemDefaults(path+"[]", *schema.Items.Schema, true)...)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		found = append(found, findItemDefaults(path+"{}", *schema.AdditionalProperties.Schema, true)...)
	}
	slices.Sort(found)
	return found
}
