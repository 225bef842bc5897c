package awsx

import "reflect"

// interner lets equal values of the RDS API share one pointer: most of the strings, numbers and flags that describe a database are the same
// for many others, and most of its structures are empty.
type interner map[any]reflect.Value

// intern replaces the pointers of a structure.
func (i interner) intern(v any) { i.replace(reflect.ValueOf(v)) }

func (i interner) replace(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		if key, isShareable := shareKey(v.Elem()); isShareable && v.CanSet() {
			shared, known := i[key]
			if !known {
				shared = reflect.ValueOf(v.Interface()) // the pointer, not the field that holds it
				i[key] = shared
			}
			v.Set(shared)
			return
		}
		i.replace(v.Elem())
	case reflect.Struct:
		for n := range v.NumField() {
			if v.Type().Field(n).IsExported() {
				i.replace(v.Field(n))
			}
		}
	case reflect.Slice:
		for n := range v.Len() {
			i.replace(v.Index(n))
		}
	default:
	}
}

// shareKey identifies a value whose equals are interchangeable: a string, number or flag, or an empty structure of its type.
func shareKey(v reflect.Value) (any, bool) {
	switch v.Kind() {
	case reflect.String, reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float64:
		return v.Interface(), true
	case reflect.Struct:
		return v.Type(), v.IsZero()
	default:
		return nil, false
	}
}
