package rdssim

import (
	"encoding/json"
	"slices"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

const (
	// rdsServiceCode is the service code of RDS in the price list.
	rdsServiceCode = "AmazonRDS"
	// priceFormatVersion is the only version of the product format.
	priceFormatVersion = "aws_v1"
	// maxProductsPerPage is the maximum and default page size (Price List API reference, GetProducts).
	maxProductsPerPage = 100
)

// pricingEndpointRegions are the regions with an endpoint of the price list (Billing user guide, "AWS Price List API
// endpoints"). Each endpoint returns the prices of all regions.
var pricingEndpointRegions = []string{"us-east-1", "eu-central-1", "ap-south-1"}

// checkPricingEndpoint returns an error for a region without an endpoint of the price list, where a call to AWS would fail.
func checkPricingEndpoint(region string) *model.APIError {
	if slices.Contains(pricingEndpointRegions, region) {
		return nil
	}
	return badRequest("UnknownEndpoint",
		"The price list has no endpoint in %s. Use an endpoint in one of %v, which returns the prices of all regions.",
		region, pricingEndpointRegions)
}

// getProductsRequest is a GetProducts request.
type getProductsRequest struct {
	ServiceCode   string
	FormatVersion string
	MaxResults    *int
	NextToken     string
	Filters       []productFilter
}

type productFilter struct{ Type, Field, Value string }

// getProductsResponse is the response of GetProducts.
type getProductsResponse struct {
	FormatVersion string
	PriceList     []string // JSON documents
	NextToken     string   `json:",omitempty"`
}

// handlePricing executes an operation of the price list (API version 2017-10-15).
func (s *Server) handlePricing(r *request) (any, *model.APIError) {
	if r.operation != "GetProducts" {
		return nil, invalidAction(r.operation)
	}
	if denied := s.authorize(r, "pricing:GetProducts", "*", nil); denied != nil {
		return nil, denied
	}
	var in getProductsRequest
	if apiErr := decodeJSON(r, &in); apiErr != nil {
		return nil, apiErr
	}
	if apiErr := in.validate(); apiErr != nil {
		return nil, apiErr
	}
	first, _, apiErr := decodePageToken(in.NextToken)
	if apiErr != nil {
		return nil, badRequest("InvalidNextTokenException", "%s", apiErr.Message)
	}
	return in.listProducts(first)
}

// invalidParameter is the error of the price list for an invalid request.
func invalidParameter(format string, args ...any) *model.APIError {
	return badRequest("InvalidParameterException", format, args...)
}

// validate checks a request.
func (in getProductsRequest) validate() *model.APIError {
	switch {
	case in.ServiceCode != rdsServiceCode:
		return invalidParameter("ServiceCode %q: the simulator supports only %s.", in.ServiceCode, rdsServiceCode)
	case in.FormatVersion != "" && in.FormatVersion != priceFormatVersion:
		return invalidParameter("FormatVersion %q: want %s.", in.FormatVersion, priceFormatVersion)
	case in.MaxResults != nil && (*in.MaxResults < 1 || *in.MaxResults > maxProductsPerPage):
		return invalidParameter("MaxResults %d: want 1 to %d.", *in.MaxResults, maxProductsPerPage)
	}
	for _, f := range in.Filters {
		switch {
		case f.Type != "TERM_MATCH":
			return invalidParameter("Filter type %q: the simulator supports only TERM_MATCH.", f.Type)
		case !slices.Contains(productFields, f.Field):
			return invalidParameter("Filter field %q: want one of %v.", f.Field, productFields)
		}
	}
	return nil
}

// listProducts returns a page of the matching products, from an offset on.
func (in getProductsRequest) listProducts(offset int) (any, *model.APIError) {
	pageSize := maxProductsPerPage
	if in.MaxResults != nil {
		pageSize = *in.MaxResults
	}
	out := getProductsResponse{FormatVersion: priceFormatVersion, PriceList: []string{}}
	matched := 0
	for p := range allProducts {
		if !p.matches(in.Filters) {
			continue
		}
		if matched++; matched <= offset {
			continue
		}
		if len(out.PriceList) == pageSize {
			out.NextToken = encodePageToken(offset+pageSize, 0)
			break
		}
		text, err := json.Marshal(p.priceListDocument())
		if err != nil {
			return nil, toAPIError(err)
		}
		out.PriceList = append(out.PriceList, string(text))
	}
	return out, nil
}
