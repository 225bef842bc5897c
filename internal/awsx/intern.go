package awsx

import (
	"reflect"
	"time"
)

// interner lets equal parts of what the RDS API describes share memory: strings, numbers and flags, structures and lists of them, such as
// tags and security groups. Most are the same for many databases. What was interned must not be changed.
type interner map[any]reflect.Value

// intern replaces the pointers and lists of a structure.
func (i interner) intern(v any) { i.replace(reflect.ValueOf(v)) }

func (i interner) replace(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		i.replace(v.Elem())
		if v.CanSet() {
			i.share(v, pointerKey(v.Elem()))
		}
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
		if v.CanSet() {
			i.share(v, sliceKey(v))
		}
	default:
	}
}

// share sets a field to the first value that had the same key. A nil key shares nothing.
func (i interner) share(field reflect.Value, key any) {
	if key == nil {
		return
	}
	shared, known := i[key]
	if !known {
		shared = reflect.ValueOf(field.Interface()) // the pointer or list, not the field that holds it
		i[key] = shared
	}
	field.Set(shared)
}

// pointerKey is equal for values that are interchangeable: a structure whose own pointers are shared is compared by them. It is nil for a
// value that cannot be compared, unless it is empty.
func pointerKey(v reflect.Value) any {
	switch {
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]() && v.IsZero():
		return v.Type()
	case v.Comparable():
		return v.Interface()
	default:
		return nil
	}
}

// listKey is the key of a list, apart from that of a pointer to an array.
type listKey struct{ array any }

// maxSharedLength is the length up to which lists are shared.
const maxSharedLength = 16

// sliceKey is equal for lists of the same elements; nil for those that cannot be compared, are long, or empty.
func sliceKey(v reflect.Value) any {
	if v.Len() == 0 || v.Len() > maxSharedLength {
		return nil
	}
	array := reflect.New(reflect.ArrayOf(v.Len(), v.Type().Elem())).Elem()
	reflect.Copy(array, v)
	if !array.Comparable() {
		return nil
	}
	return listKey{array.Interface()}
}
