package model

import (
	"maps"
	"slices"
	"strings"
)

// Tags lists the tags of a cluster or instance by its ARN. The error is a *Fault.
func (w *World) Tags(arn string) (map[string]string, error) {
	tags, err := w.tags(arn)
	if err != nil {
		return nil, err
	}
	return maps.Clone(*tags), nil
}

// AddTags sets tags of a cluster or instance. The error is a *Fault.
func (w *World) AddTags(arn string, tags map[string]string) error {
	have, err := w.tags(arn)
	if err != nil {
		return err
	}
	if *have == nil {
		*have = map[string]string{}
	}
	maps.Copy(*have, tags)
	return nil
}

// RemoveTags removes tags of a cluster or instance by their keys. The error is a *Fault.
func (w *World) RemoveTags(arn string, keys []string) error {
	have, err := w.tags(arn)
	if err != nil {
		return err
	}
	maps.DeleteFunc(*have, func(key, _ string) bool { return slices.Contains(keys, key) })
	return nil
}

func (w *World) tags(arn string) (*map[string]string, error) {
	for _, c := range w.clusters {
		if c.ARN() == arn {
			return &c.Tags, nil
		}
	}
	for _, m := range w.members {
		if m.ARN() == arn {
			return &m.Tags, nil
		}
	}
	return nil, notFound(arn)
}

// notFound is what AWS answers about an ARN that is nobody's.
func notFound(arn string) *Fault {
	code := "DBInstanceNotFound"
	if strings.Contains(arn, ":cluster:") {
		code = "DBClusterNotFoundFault"
	}
	return &Fault{code, "The specified resource name does not match an RDS resource in this region: " + arn, 404}
}
