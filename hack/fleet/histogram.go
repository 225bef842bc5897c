package main

import (
	"math"
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// histogram is a Prometheus histogram at one time, or the difference of two. It has buckets of fixed bounds, and where the exporter
// offers it a native histogram, whose buckets grow by a constant factor and are finer.
type histogram struct {
	count, sum float64
	// bounds are the upper bounds of the fixed buckets, and counts the observations in each of them, not cumulated.
	bounds, counts []float64
	// native are the observations by the index of the native bucket: index n has values up to 2^(n/2^schema).
	native map[int]float64
	schema int32
	// zeros are the observations up to zeroThreshold.
	zeros, zeroThreshold float64
}

// newHistogram converts a histogram of the exposition format.
func newHistogram(h *dto.Histogram) histogram {
	out := histogram{
		count: float64(h.GetSampleCount()), sum: h.GetSampleSum(), schema: h.GetSchema(), zeros: float64(h.GetZeroCount()),
		zeroThreshold: h.GetZeroThreshold(),
	}
	previous := 0.0
	for _, b := range h.GetBucket() {
		cumulated := float64(b.GetCumulativeCount())
		out.bounds, out.counts = append(out.bounds, b.GetUpperBound()), append(out.counts, cumulated-previous)
		previous = cumulated
	}
	if len(h.GetPositiveSpan()) == 0 && h.GetZeroThreshold() == 0 {
		return out
	}
	out.native = map[int]float64{}
	index, position, inBucket := 0, 0, 0.0
	for _, span := range h.GetPositiveSpan() {
		index += int(span.GetOffset())
		for range span.GetLength() {
			inBucket += float64(h.GetPositiveDelta()[position]) // each delta is relative to the bucket before
			out.native[index] = inBucket
			index, position = index+1, position+1
		}
	}
	return out
}

// add returns the sum of two histograms of the same buckets.
func (h histogram) add(other histogram) histogram { return h.combine(other, 1) }

// minus returns the observations since an earlier state of the same histogram.
func (h histogram) minus(before histogram) histogram {
	if before.count > h.count { // the process has started again
		return h
	}
	return h.combine(before, -1)
}

// combine adds a histogram times a factor.
func (h histogram) combine(other histogram, factor float64) histogram {
	out := h
	out.count, out.sum = h.count+factor*other.count, h.sum+factor*other.sum
	out.counts = slices.Clone(h.counts)
	for n := range min(len(out.counts), len(other.counts)) {
		out.counts[n] += factor * other.counts[n]
	}
	if h.native == nil {
		if other.native == nil || h.count > 0 {
			return out
		}
		h.schema, h.zeroThreshold = other.schema, other.zeroThreshold
	}
	schema, threshold := min(h.schema, other.schema), max(h.zeroThreshold, other.zeroThreshold)
	if other.native == nil {
		schema, threshold = h.schema, h.zeroThreshold
	}
	a, b := h.coarsen(schema, threshold), other.coarsen(schema, threshold)
	out.native, out.schema, out.zeroThreshold, out.zeros = a.native, schema, threshold, max(0, a.zeros+factor*b.zeros)
	for index, count := range b.native {
		out.native[index] = max(0, out.native[index]+factor*count)
	}
	return out
}

// coarsen returns the native histogram with the buckets of a smaller schema and a wider bucket of zeros, which the exporter uses when
// there are too many buckets.
func (h histogram) coarsen(schema int32, zeroThreshold float64) histogram {
	out := histogram{native: map[int]float64{}, zeros: h.zeros}
	for index, count := range h.native {
		if bucketBound(index, h.schema) <= zeroThreshold {
			out.zeros += count
			continue
		}
		for range h.schema - schema {
			index = int(math.Ceil(float64(index) / 2))
		}
		out.native[index] += count
	}
	return out
}

// bucketBound returns the upper bound of a native bucket.
func bucketBound(index int, schema int32) float64 {
	return math.Exp2(float64(index) * math.Exp2(-float64(schema)))
}

// mean returns the mean of the observations; 0 without any.
func (h histogram) mean() float64 {
	if h.count == 0 {
		return 0
	}
	return h.sum / h.count
}

// quantile estimates a quantile from 0 to 1: from the native buckets where there are any, otherwise from the fixed ones. It returns NaN
// without observations.
func (h histogram) quantile(q float64) float64 {
	if h.count <= 0 {
		return math.NaN()
	}
	if h.native != nil {
		return h.nativeQuantile(q)
	}
	rank, lower := q*h.count, 0.0
	for n, count := range h.counts {
		if rank <= count && count > 0 {
			if math.IsInf(h.bounds[n], 1) {
				return lower
			}
			return lower + (h.bounds[n]-lower)*rank/count
		}
		rank, lower = rank-count, h.bounds[n]
	}
	return lower // above the highest bound, which is all that is known
}

func (h histogram) nativeQuantile(q float64) float64 {
	indexes := make([]int, 0, len(h.native))
	total := h.zeros
	for index, count := range h.native {
		indexes = append(indexes, index)
		total += count
	}
	slices.Sort(indexes)
	rank := q*total - h.zeros
	if rank <= 0 {
		return h.zeroThreshold
	}
	upper := h.zeroThreshold
	for _, index := range indexes {
		count := h.native[index]
		if count == 0 {
			continue
		}
		upper = bucketBound(index, h.schema)
		if rank <= count {
			lower := bucketBound(index-1, h.schema)
			return lower * math.Pow(upper/lower, rank/count)
		}
		rank -= count
	}
	return upper
}
