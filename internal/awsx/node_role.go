package awsx

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/go-logr/logr"
)

// nodeRoleWarner logs once that the credentials of another provider are those of the node: the default credential chain asks the
// instance metadata service last, so that a role of the service account that is not set up correctly goes unnoticed, and the operator
// acts with the permissions of every pod on the node.
type nodeRoleWarner struct {
	aws.CredentialsProvider
	log  logr.Logger
	once sync.Once
}

// Retrieve implements aws.CredentialsProvider.
func (p *nodeRoleWarner) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := p.CredentialsProvider.Retrieve(ctx)
	if err == nil && c.Source == ec2rolecreds.ProviderName {
		p.once.Do(func() {
			p.log.Info("WARNING: the AWS credentials are those of the node, from the instance metadata service, because the service account "+
				"has no role: give it one with EKS Pod Identity or IRSA, or check the annotation of the service account", "source", c.Source)
		})
	}
	return c, err
}
