package scaling

import "iter"

// InPool yields the instances of a pool, without a copy of each as PoolInstances makes.
func (o Observation) InPool(p Pool) iter.Seq[*Instance] {
	instances := o.Instances // an observation is large
	return func(yield func(*Instance) bool) {
		for n := range instances {
			if instances[n].Writer == (p == Writer) && !yield(&instances[n]) {
				return
			}
		}
	}
}

// PoolInstances lists the instances of a pool.
func (o Observation) PoolInstances(p Pool) []Instance {
	var out []Instance
	for _, i := range o.Instances {
		if i.Writer == (p == Writer) {
			out = append(out, i)
		}
	}
	return out
}

// Shape is the current shape of a pool.
func (o Observation) Shape(p Pool) Shape {
	var s Shape
	for i := range o.InPool(p) {
		if s.Count == 0 {
			s.InstanceClass = i.Class
		} else if s.InstanceClass != i.Class {
			s.InstanceClass = ""
		}
		s.Count++
	}
	return s
}
