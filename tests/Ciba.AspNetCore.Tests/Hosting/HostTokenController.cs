using Microsoft.AspNetCore.Mvc;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A host's token endpoint as an MVC controller, which binds its form to a model.</summary>
[ApiController, Route("token")]
public sealed class HostTokenController : ControllerBase
{
    [HttpPost]
    public ContentResult Exchange([FromForm] TokenForm form) => Content($"{form.GrantType}:{form.Code}");

    /// <summary>What a host's grant needs.</summary>
    public sealed class TokenForm
    {
        [FromForm(Name = "grant_type")]
        public string? GrantType { get; set; }

        [FromForm(Name = "code")]
        public string? Code { get; set; }
    }
}
