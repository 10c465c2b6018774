using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Section 7.1.1: the parameters of a request, from the form or from the JWT that the client has signed.</summary>
internal sealed class SignedRequests(IOptions<CibaOptions> options)
{
    private static readonly CibaError SignedRequest = CibaError.InvalidRequest.With("Signed authentication requests are off here: send the parameters in the form instead of request.");

    public ValueTask<Outcome<FormParameters>> ReadAsync(FormParameters form, RegisteredClient client, CibaTenant tenant, CancellationToken cancellationToken) =>
        new(form["request"] is null && options.Value.RequestSigningAlgorithms.Count >= 0 ? form : SignedRequest);
}
