package awsx

import "reflect"

// interner lets equal strings of the RDS API share one pointer: most of the strings that describe a database are the same for many others.
type interner map[string]*string

// intern replaces the strings that a pointer leads to.
func (i interner) intern(v any) { i.replace(reflect.ValueOf(v)) }

func (i interner) replace(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		if text, isText := v.Interface().(*string); isText && v.CanSet() {
			shared, known := i[*text]
			if !known {
				shared = text
				i[*text] = text
			}
			v.Set(reflect.ValueOf(shared))
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
