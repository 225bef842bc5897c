package model

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
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
	if err := checkRequestTags(tags); err != nil {
		return err
	}
	all := maps.Clone(*current)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tags)
	if err := checkTagCount(all); err != nil {
		return err
	}
	*current = all
	return nil
}

// The limits of the tags of a resource (RDS API reference, Tag; RDS user guide, "Tagging Amazon RDS resources"). Lengths are
// in characters.
const maxTags, maxTagKeyLength, maxTagValueLength = 50, 128, 256

// tagPattern is the grammar of tag keys and values (RDS API reference, Tag).
var tagPattern = regexp.MustCompile(`^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$`)

// checkTags checks the grammar of tags, of which AWS itself may have set some.
func checkTags(tags map[string]string) error {
	const grammar = "may only contain unicode letters, digits, whitespace, or one of these symbols: _ . : / = + \\ - @"
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		switch {
		case key == "" || utf8.RuneCountInString(key) > maxTagKeyLength:
			return invalidValue("Tag keys must be between 1 and %d characters in length.", maxTagKeyLength)
		case utf8.RuneCountInString(value) > maxTagValueLength:
			return invalidValue("Tag values must be between 0 and %d characters in length.", maxTagValueLength)
		case !tagPattern.MatchString(key):
			return invalidValue("Tag keys %s", grammar)
		case !tagPattern.MatchString(value):
			return invalidValue("Tag values %s", grammar)
		}
	}
	return nil
}

// checkRequestTags returns the error with which AWS refuses the tags of a request, if it does. The prefixes are reserved in any
// case, in keys and in values (RDS API reference, Tag).
func checkRequestTags(tags map[string]string) error {
	if err := checkTags(tags); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		for _, prefix := range []string{"aws:", "rds:"} {
			if strings.HasPrefix(strings.ToLower(key), prefix) {
				return invalidValue("Tag keys cannot start with the reserved prefix %q.", prefix)
			}
			if strings.HasPrefix(strings.ToLower(tags[key]), prefix) {
				return invalidValue("Tag values cannot start with the reserved prefix %q.", prefix)
			}
		}
	}
	return checkTagCount(tags)
}

// checkTagCount checks the number of tags of a resource. Tags that AWS set itself do not count.
func checkTagCount(tags map[string]string) error {
	count := 0
	for key := range tags {
		if !strings.HasPrefix(strings.ToLower(key), "aws:") {
			count++
		}
	}
	if count > maxTags {
		return invalidValue("The resource has %d tags, and the limit is %d.", count, maxTags)
	}
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
