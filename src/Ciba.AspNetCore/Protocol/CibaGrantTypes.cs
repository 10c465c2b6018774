namespace Ciba.AspNetCore;

/// <summary>The values of <c>grant_type</c> that CIBA defines.</summary>
public static class CibaGrantTypes
{
    /// <summary>The grant of CIBA Core section 10.1: <c>urn:openid:params:grant-type:ciba</c>.</summary>
    public const string Ciba = "urn:openid:params:grant-type:ciba";
}
