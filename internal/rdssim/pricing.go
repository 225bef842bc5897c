package rdssim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

const (
	// rdsServiceCode is RDS's in the price list.
	rdsServiceCode = "AmazonRDS"
	// priceFormatVersion is the one version of the format of products.
	priceFormatVersion = "aws_v1"
	// maxProductsPerPage is how many products a page has, at most and by default (Price List API reference, GetProducts).
	maxProductsPerPage = 100
)

// pricingEndpointRegions are where the price list has endpoints (Billing user guide, "AWS Price List API endpoints"). It tells the
// prices of every region.
var pricingEndpointRegions = []string{"us-east-1", "eu-central-1", "ap-south-1"}

// checkPricingEndpoint says whether the price list can be asked in a region, so that who asks elsewhere finds out here.
func checkPricingEndpoint(region string) *model.APIError {
	if slices.Contains(pricingEndpointRegions, region) {
		return nil
	}
	return &model.APIError{Code: "UnknownEndpoint", HTTPStatus: http.StatusBadRequest, Message: fmt.Sprintf(
		"The price list has no endpoint in %s, but in %v: ask there, for the prices of any region.", region, pricingEndpointRegions)}
}

// getProductsRequest is GetProducts.
type getProductsRequest struct {
	ServiceCode   string
	FormatVersion string
	MaxResults    *int
	NextToken     string
	Filters       []productFilter
}

type productFilter struct{ Type, Field, Value string }

// getProductsResponse is what GetProducts gives.
type getProductsResponse struct {
	FormatVersion string
	PriceList     []string // each is a product's JSON
	NextToken     string   `json:",omitempty"`
}

// handlePricing carries out an operation of the price list (API version 2017-10-15).
func (s *Server) handlePricing(r *request) (any, *model.APIError) {
	if r.operation != "GetProducts" {
		return nil, invalidAction(r.operation)
	}
	if denied := s.authorize(r, "pricing:GetProducts", "*", nil); denied != nil {
		return nil, denied
	}
	var in getProductsRequest
	if err := json.NewDecoder(r.httpRequest.Body).Decode(&in); err != nil {
		return nil, &model.APIError{Code: "SerializationException", Message: err.Error(), HTTPStatus: http.StatusBadRequest}
	}
	if failed := in.validate(); failed != nil {
		return nil, failed
	}
	first, _, failed := decodePageToken(in.NextToken)
	if failed != nil {
		return nil, &model.APIError{Code: "InvalidNextTokenException", Message: failed.Message, HTTPStatus: http.StatusBadRequest}
	}
	return in.listProducts(first)
}

func invalidParameter(format string, args ...any) *model.APIError {
	return &model.APIError{Code: "InvalidParameterException", Message: fmt.Sprintf(format, args...), HTTPStatus: http.StatusBadRequest}
}

// validate says what is wrong with a request.
func (in getProductsRequest) validate() *model.APIError {
	switch {
	case in.ServiceCode != rdsServiceCode:
		return invalidParameter("ServiceCode %q: the simulator has the prices of %s alone.", in.ServiceCode, rdsServiceCode)
	case in.FormatVersion != "" && in.FormatVersion != priceFormatVersion:
		return invalidParameter("FormatVersion %q: want %s.", in.FormatVersion, priceFormatVersion)
	case in.MaxResults != nil && (*in.MaxResults < 1 || *in.MaxResults > maxProductsPerPage):
		return invalidParameter("MaxResults %d is not from 1 to %d.", *in.MaxResults, maxProductsPerPage)
	}
	for _, f := range in.Filters {
		switch {
		case f.Type != "TERM_MATCH":
			return invalidParameter("Filters: the simulator knows the type TERM_MATCH, not %q.", f.Type)
		case !slices.Contains(productFields, f.Field):
			return invalidParameter("Filters: there is no field %q of a product; there are %v.", f.Field, productFields)
		}
	}
	return nil
}

// listProducts is the answer from a product on.
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
			out.NextToken = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d:0", offset+pageSize))
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
