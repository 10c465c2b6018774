using System.Text.Json.Nodes;

namespace Ciba.AspNetCore;

/// <summary>The discovery document of <c>MapCibaDiscovery</c> (CIBA Core section 4).</summary>
public sealed class CibaDiscoveryOptions
{
    /// <summary>
    /// Gets further members of the document, for instance <c>authorization_endpoint</c>, <c>userinfo_endpoint</c> or
    /// <c>service_documentation</c>. A member that contradicts what the library publishes is a start-up error. The default is none.
    /// </summary>
    /// <remarks>
    /// <para>
    /// A list that the library publishes too, such as <c>grant_types_supported</c>, must hold all that the library lists and may hold
    /// more. <c>mtls_endpoint_aliases</c> is merged with the library's. With several issuers the members are those of all. A host with a
    /// discovery document of its own has <see cref="CibaMetadata.MergeInto"/>.
    /// </para>
    /// <para>
    /// A configuration knows only texts: <c>true</c>, <c>false</c> and numbers become JSON's, unless the text is in quotation marks of its
    /// own (<c>"\"1\""</c>).
    /// </para>
    /// </remarks>
    public JsonObject AdditionalMetadata { get; } = [];
}
