using System.Reflection;
using System.Security.Cryptography;

namespace Ciba.AspNetCore.Redis.Tests.Compatibility;

/// <summary>The core's own signing and verifying, in whichever load context it and IdentityModel are.</summary>
internal sealed class SignaturesByReflection(Assembly core, Assembly tokens)
{
    private const BindingFlags Any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance;

    public Version IdentityModel => tokens.GetName().Version!;

    public object Key(object material)
    {
        var type = material switch { RSA => "RsaSecurityKey", ECDsa => "ECDsaSecurityKey", _ => "SymmetricSecurityKey" };
        return Activator.CreateInstance(tokens.GetType($"Microsoft.IdentityModel.Tokens.{type}", throwOnError: true)!, material)!;
    }

    public string? WhyNot(string algorithm, object material) => (string?)Call("Jose.JoseAlgorithms", "WhyNot", null, algorithm, Key(material));

    /// <summary>A compact JWS, made as ID Tokens are; with a secret as their hash-based counterpart.</summary>
    public string Sign(string algorithm, object material)
    {
        var claims = new Dictionary<string, object> { ["sub"] = "alice" };
        if (material is not byte[])
        {
            var credentials = Activator.CreateInstance(tokens.GetType("Microsoft.IdentityModel.Tokens.SigningCredentials", throwOnError: true)!, Key(material), algorithm)!;
            var signer = Activator.CreateInstance(Core("Token.TokenSigner"), credentials)!;
            return (string)Call("Token.TokenSigner", "SignIdToken", signer, claims)!;
        }

        var key = Call("Jose.SignatureKey", "ForSigning", null, Key(material), algorithm, "k")!;
        var header = System.Buffers.Text.Base64Url.EncodeToString(System.Text.Encoding.ASCII.GetBytes($$"""{"alg":"{{algorithm}}"}"""));
        return Core("Jose.SignatureKey").GetMethod("Sign", Any)!.CreateDelegate<SignSpan>(key)(header, "{}"u8);
    }

    public bool Verifies(string algorithm, object material, string token)
    {
        var key = Call("Jose.SignatureKey", "ForVerifying", null, Published(algorithm, material), algorithm)!;
        return (bool)Call("Jose.SignatureKey", "Verifies", key, Call("Jose.Jwt", "Read", null, token)!)!;
    }

    // The way of a client: what is published as a JWK is read back.
    private object Published(string algorithm, object material) =>
        material is byte[]? Key(material) : Call("Jose.PublicKey", "ToSecurityKey", Call("Jose.PublicKey", "From", null, Key(material), algorithm))!;

    private object? Call(string type, string method, object? target, params object[] arguments) =>
        Core(type).GetMethod(method, Any)!.Invoke(target, BindingFlags.DoNotWrapExceptions, null, arguments, null);

    private Type Core(string name) => core.GetType($"Ciba.AspNetCore.{name}", throwOnError: true)!;

    private delegate string SignSpan(string encodedHeader, ReadOnlySpan<byte> payload);
}
