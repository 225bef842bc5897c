package rdssim

import (
	"strings"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// findTags returns the ARN and the tags of the resource that a request names.
func (s *Server) findTags(r *request) (arn string, tags map[string]string, apiErr *model.APIError) {
	arn = r.form.Get("ResourceName")
	parts := strings.Split(arn, ":")
	if len(parts) != 7 || parts[3] != r.caller.region || parts[4] != r.caller.account {
		return arn, nil, badRequest("InvalidParameterValue", "Invalid resource name: %s", arn)
	}
	tags, err := s.options.World.Tags(arn)
	return arn, tags, toAPIError(err)
}

func (s *Server) listTags(r *request) (any, *model.APIError) {
	arn, tags, apiErr := s.findTags(r)
	if apiErr != nil {
		return nil, apiErr
	}
	if denied := s.authorize(r, "rds:ListTagsForResource", arn, tagConditions(tags, nil)); denied != nil {
		return nil, denied
	}
	return &listTagsResult{TagList: newTagElements(tags)}, nil
}

func (s *Server) addTags(r *request) (any, *model.APIError) {
	arn, tags, apiErr := s.findTags(r)
	if apiErr != nil {
		return nil, apiErr
	}
	if denied := s.authorize(r, "rds:AddTagsToResource", arn, tagConditions(tags, r.form.tags())); denied != nil {
		return nil, denied
	}
	return &emptyResult{}, toAPIError(s.options.World.AddTags(arn, r.form.tags()))
}

func (s *Server) removeTags(r *request) (any, *model.APIError) {
	arn, tags, apiErr := s.findTags(r)
	if apiErr != nil {
		return nil, apiErr
	}
	if denied := s.authorize(r, "rds:RemoveTagsFromResource", arn, tagConditions(tags, nil)); denied != nil {
		return nil, denied
	}
	return &emptyResult{}, toAPIError(s.options.World.RemoveTags(arn, r.form.list("TagKeys.member")))
}
