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
	// priceFormat is the one version of the format of products.
	priceFormat = "aws_v1"
	// mostProducts is how many products a page has, at most and by default (Price List API reference, GetProducts).
	mostProducts = 100
)

// pricingRegions are where the price list has endpoints (Billing user guide, "AWS Price List API endpoints"). It tells the
// prices of every region.
var pricingRegions = []string{"us-east-1", "eu-central-1", "ap-south-1"}

// pricedFrom says whether the price list can be asked in a region, so that who asks elsewhere finds out here.
func pricedFrom(region string) *model.Fault {
	if slices.Contains(pricingRegions, region) {
		return nil
	}
	return &model.Fault{Code: "UnknownEndpoint", HTTPStatus: http.StatusBadRequest, Message: fmt.Sprintf(
		"The price list has no endpoint in %s, but in %v: ask there, for the prices of any region.", region, pricingRegions)}
}

// productRequest is GetProducts.
type productRequest struct {
	ServiceCode   string
	FormatVersion string
	MaxResults    *int
	NextToken     string
	Filters       []productFilter
}

type productFilter struct{ Type, Field, Value string }

// productAnswer is what GetProducts gives.
type productAnswer struct {
	FormatVersion string
	PriceList     []string // each is a product's JSON
	NextToken     string   `json:",omitempty"`
}

// pricing carries out an operation of the price list (API version 2017-10-15).
func (s *Server) pricing(r *request) (any, *model.Fault) {
	if r.operation != "GetProducts" {
		return nil, invalidAction(r.operation)
	}
	if denied := s.allow(r, "pricing:GetProducts", "*", nil); denied != nil {
		return nil, denied
	}
	var in productRequest
	if err := json.NewDecoder(r.in.Body).Decode(&in); err != nil {
		return nil, &model.Fault{Code: "SerializationException", Message: err.Error(), HTTPStatus: http.StatusBadRequest}
	}
	if failed := in.validate(); failed != nil {
		return nil, failed
	}
	first, _, failed := readToken(in.NextToken)
	if failed != nil {
		return nil, &model.Fault{Code: "InvalidNextTokenException", Message: failed.Message, HTTPStatus: http.StatusBadRequest}
	}
	return in.page(first)
}

func invalidProduct(format string, args ...any) *model.Fault {
	return &model.Fault{Code: "InvalidParameterException", Message: fmt.Sprintf(format, args...), HTTPStatus: http.StatusBadRequest}
}

// validate says what is wrong with a request.
func (in productRequest) validate() *model.Fault {
	switch {
	case in.ServiceCode != rdsServiceCode:
		return invalidProduct("ServiceCode %q: the simulator has the prices of %s alone.", in.ServiceCode, rdsServiceCode)
	case in.FormatVersion != "" && in.FormatVersion != priceFormat:
		return invalidProduct("FormatVersion %q: want %s.", in.FormatVersion, priceFormat)
	case in.MaxResults != nil && (*in.MaxResults < 1 || *in.MaxResults > mostProducts):
		return invalidProduct("MaxResults %d is not from 1 to %d.", *in.MaxResults, mostProducts)
	}
	for _, f := range in.Filters {
		switch {
		case f.Type != "TERM_MATCH":
			return invalidProduct("Filters: the simulator knows the type TERM_MATCH, not %q.", f.Type)
		case !slices.Contains(productFields, f.Field):
			return invalidProduct("Filters: there is no field %q of a product; there are %v.", f.Field, productFields)
		}
	}
	return nil
}

// page is the answer from a product on.
func (in productRequest) page(first int) (any, *model.Fault) {
	size := mostProducts
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	out := productAnswer{FormatVersion: priceFormat, PriceList: []string{}}
	found := 0
	for p := range products {
		if !p.passes(in.Filters) {
			continue
		}
		if found++; found <= first {
			continue
		}
		if len(out.PriceList) == size {
			out.NextToken = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d:0", first+size))
			break
		}
		text, err := json.Marshal(p.document())
		if err != nil {
			return nil, asFault(err)
		}
		out.PriceList = append(out.PriceList, string(text))
	}
	return out, nil
}
