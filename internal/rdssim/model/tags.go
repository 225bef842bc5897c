package model

import (
	"maps"
	"slices"
	"strings"
)

// Tags returns the tags of a cluster or instance by its ARN. The error is an *APIError.
func (w *World) Tags(arn string) (map[string]string, error) {
	tags, err := w.findTags(arn)
	if err != nil {
		return nil, err
	}
	return maps.Clone(*tags), nil
}

// AddTags sets tags of a cluster or instance. The error is an *APIError.
func (w *World) AddTags(arn string, tags map[string]string) error {
	current, err := w.findTags(arn)
	if err != nil {
		return err
	}
	if *current == nil {
		*current = map[string]string{}
	}
	maps.Copy(*current, tags)
	return nil
}

// RemoveTags removes tags of a cluster or instance by their keys. The error is an *APIError.
func (w *World) RemoveTags(arn string, keys []string) error {
	current, err := w.findTags(arn)
	if err != nil {
		return err
	}
	maps.DeleteFunc(*current, func(key, _ string) bool { return slices.Contains(keys, key) })
	return nil
}

// findTags returns a pointer to the tags of a cluster or instance.
func (w *World) findTags(arn string) (*map[string]string, error) {
	for _, c := range w.clusters {
		if c.ARN() == arn {
			return &c.Tags, nil
		}
	}
	for _, m := range w.instances {
		if m.ARN() == arn {
			return &m.Tags, nil
		}
	}
	return nil, resourceNotFound(arn)
}

// resourceNotFound is the error of AWS for an ARN of no existing cluster or instance.
func resourceNotFound(arn string) *APIError {
	code := "DBInstanceNotFound"
	if strings.Contains(arn, ":cluster:") {
		code = "DBClusterNotFoundFault"
	}
	return &APIError{code, "The specified resource name does not match an RDS resource in this region: " + arn, 404}
}
