using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Ciba.AspNetCore.Clients;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 8705 section 2.1.2: the registered name and that of the certificate are compared as names.</summary>
[Spec("A3")]
public sealed class ClientCertificateNameTests : IDisposable
{
    private const string CommonName = "2.5.4.3";
    private const string Organization = "2.5.4.10";
    private const string Country = "2.5.4.6";
    private const string UserId = "0.9.2342.19200300.100.1.1";

    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    // The certificate: C=DE, then O=Example, Inc., then CN=shop.
    [TestCase(@"CN=shop,O=Example\, Inc.,C=DE", true)]
    [TestCase(@"cn = shop , o = Example\, Inc. , c = DE", true)]
    [TestCase(@"commonName=shop,organizationName=Example\2C Inc.,countryName=DE", true)]
    [TestCase(@"2.5.4.3=shop,OID.2.5.4.10=Example\2c\20Inc.,2.5.4.6=#13024445", true)]
    [TestCase(@"CN=#0C0473686F70,O=Example\, Inc.,C=DE", true, Description = "another string type")]
    [TestCase(@"C=DE,O=Example\, Inc.,CN=shop", false, Description = "the other order")]
    [TestCase(@"CN=shop+O=Example\, Inc.,C=DE", false, Description = "one part instead of two")]
    [TestCase(@"CN=shop,O=Example\, Inc.", false)]
    [TestCase(@"CN=shop,O=Example\, Inc.,C=DE,CN=shop", false)]
    [TestCase(@"CN=Shop,O=Example\, Inc.,C=DE", false)]
    [TestCase(@"CN=shop\ ,O=Example\, Inc.,C=DE", false, Description = "an escaped space counts")]
    [TestCase(@"CN=shop,O=Example\,  Inc.,C=DE", false)]
    [TestCase(@"CN=shop\,O=Example\\\, Inc.,C=DE", false)]
    [TestCase(@"CN=sh\D0\BEp,O=Example\, Inc.,C=DE", false, Description = "a Cyrillic o")]
    [TestCase(@"CN=shop\00,O=Example\, Inc.,C=DE", false)]
    [TestCase(@"OU=shop,O=Example\, Inc.,C=DE", false)]
    public void A_subject_is_compared_part_by_part(string registered, bool same) =>
        AssertSame(registered, Name([(Country, "DE")], [(Organization, "Example, Inc.")], [(CommonName, "shop")]), same);

    [TestCase("UID=7+CN=shop,O=X", true), TestCase("CN=shop+UID=7,O=X", true), TestCase("CN=shop,UID=7,O=X", false), TestCase("CN=shop,O=X", false), TestCase("UID=7+CN=shop+CN=shop,O=X", false)]
    public void A_part_of_several_attributes_has_no_order(string registered, bool same) =>
        AssertSame(registered, Name([(Organization, "X")], [(CommonName, "shop"), (UserId, "7")]), same);

    [TestCase("CN=shop", UniversalTagNumber.BMPString), TestCase("CN=shop", UniversalTagNumber.IA5String), TestCase("CN=shop", UniversalTagNumber.PrintableString)]
    public void The_string_type_does_not_matter(string registered, UniversalTagNumber type) =>
        AssertSame(registered, Name(type, [(CommonName, "shop")]), true);

    [TestCase("CN=Müller", true), TestCase(@"CN=M\C3\BCller", true), TestCase("CN=Mu\u0308ller", false), TestCase("CN=MÜLLER", false)]
    public void Letters_beyond_ascii_are_compared_by_their_code(string registered, bool same) =>
        AssertSame(registered, Name([(CommonName, "Müller")]), same);

    [TestCase("shop,O=X"), TestCase("CN=shop\\,O=X", true), TestCase("CN=a,"), TestCase(",CN=a"), TestCase("CN=a;O=X"), TestCase("CN=\"a\""), TestCase("CN=a\\"), TestCase("CN=a\\x"), TestCase("CN=\\C3"),
        TestCase("CN=#"), TestCase("CN=#0"), TestCase("CN=#zz"), TestCase("CN=#0C05736F"), TestCase("CN=#0C016100"), TestCase("CM=a"), TestCase("2.5.=a"), TestCase("3.5.4=a"), TestCase("2.05.4=a"), TestCase("=a"), TestCase("CN=a+")]
    public void A_text_that_is_no_name_is_told_at_the_start(string text, bool good = false)
    {
        var client = CertificateClients.ByAuthority(change: one => one.TlsClientAuthSubjectDn = text);

        var name = CertificateName.Of(client, out var problem);

        Assert.That(problem, good ? Is.Null : Is.EqualTo("TlsClientAuthSubjectDn is no distinguished name by RFC 4514, such as CN=shop,O=Example,C=DE; other attribute types are written as their object identifier"));
        Assert.That(name is null, Is.EqualTo(problem is not null));
    }

    [TestCase("shop.example", true), TestCase("SHOP.Example", true), TestCase("shop.example.", false), TestCase("www.shop.example", false), TestCase("example", false), TestCase("any.wild.example", false), TestCase("*.wild.example", true)]
    public void A_dns_name_is_one_of_the_certificates_names_and_no_pattern(string registered, bool same) =>
        AssertSame(client => client.TlsClientAuthSanDns = registered, names => { names.AddDnsName("other.example"); names.AddDnsName("shop.example"); names.AddDnsName("*.wild.example"); }, same);

    [TestCase("urn:shop:1", true), TestCase("urn:SHOP:1", false), TestCase("urn:shop:1/", false)]
    public void A_uri_is_compared_as_it_is_written(string registered, bool same) =>
        AssertSame(client => client.TlsClientAuthSanUri = registered, names => names.AddUri(new Uri("urn:shop:1")), same);

    [TestCase("192.0.2.1", true), TestCase("192.0.2.2", false), TestCase("2001:db8::1", true), TestCase("2001:0DB8:0:0:0:0:0:1", true), TestCase("2001:db8::2", false), TestCase("::ffff:192.0.2.1", false)]
    public void An_ip_address_is_compared_by_its_bytes(string registered, bool same) =>
        AssertSame(client => client.TlsClientAuthSanIp = registered, names => { names.AddIpAddress(IPAddress.Parse("192.0.2.1")); names.AddIpAddress(IPAddress.Parse("2001:db8::1")); }, same);

    [TestCase("192.0.2"), TestCase("0x7f.0.0.1"), TestCase("192.0.2.01"), TestCase("fe80::1%2"), TestCase("[::1]"), TestCase("shop.example"), TestCase("192.0.2.0/24")]
    public void What_is_no_ip_address_is_told_at_the_start(string text)
    {
        var client = CertificateClients.ByAuthority(change: one => (one.TlsClientAuthSubjectDn, one.TlsClientAuthSanIp) = (null, text));

        Assert.That(ClientRules.Check(client), Is.EqualTo(new[] { "Client 'client': TlsClientAuthSanIp is no IP address: write 192.0.2.1 or 2001:db8::1." }));
    }

    [TestCase("ops@shop.example", true), TestCase("ops@SHOP.example", true), TestCase("Ops@shop.example", false), TestCase("ops@shop.examplf", false)]
    public void An_email_address_is_compared_with_letter_case_before_the_at_sign(string registered, bool same) =>
        AssertSame(client => client.TlsClientAuthSanEmail = registered, names => names.AddEmailAddress("ops@shop.example"), same);

    [TestCase("shop.example:443"), TestCase("https://shop.example"), TestCase("ops@shop.example"), TestCase("192.0.2.1"), TestCase("2001:db8::1"), TestCase("shop example"), TestCase("caf\u00e9.example"), TestCase("www.*.example"), TestCase("*")]
    public void What_is_no_host_name_is_told_at_the_start(string text) =>
        AssertProblem(client => client.TlsClientAuthSanDns = text, "TlsClientAuthSanDns is no host name: write shop.example");

    [TestCase("shop.example"), TestCase("/shop"), TestCase("//shop.example"), TestCase("urn:caf\u00e9"), TestCase("https://shop.example/a b"), TestCase("https://")]
    public void What_is_no_absolute_uri_is_told_at_the_start(string text) =>
        AssertProblem(client => client.TlsClientAuthSanUri = text, "TlsClientAuthSanUri is no absolute URI: write https://shop.example/ciba or urn:example:shop, as the certificate has it");

    [TestCase("no-at"), TestCase("@shop.example"), TestCase("ops@"), TestCase("ops @shop.example"), TestCase("caf\u00e9@shop.example")]
    public void What_is_no_mailbox_is_told_at_the_start(string text) =>
        AssertProblem(client => client.TlsClientAuthSanEmail = text, "TlsClientAuthSanEmail is no mailbox: write ops@shop.example");

    [Test]
    public void A_name_of_one_kind_is_not_that_of_another()
    {
        AssertSame(client => client.TlsClientAuthSanDns = "shop.example", names => names.AddEmailAddress("shop.example"), false);
        AssertSame(client => client.TlsClientAuthSanEmail = "ops@shop.example", names => names.AddDnsName("ops@shop.example"), false);
        AssertSame(client => client.TlsClientAuthSanUri = "urn:shop", names => names.AddEmailAddress("urn:shop"), false);
        AssertSame(client => client.TlsClientAuthSanDns = "CN", names => names.AddDnsName("other"), false);
        Assert.That(Named(client => client.TlsClientAuthSanDns = "shop.example").WhyNot(_authority.Issue("CN=shop.example")), Is.EqualTo("the registered name is not among its subject alternative names of that kind"));
    }

    [Test]
    public void Names_that_cannot_be_read_are_nobodys()
    {
        var broken = _authority.Issue("CN=shop", request => request.CertificateExtensions.Add(new X509Extension("2.5.29.17", [0x30, 0x05, 0x82, 0x01], false)));

        Assert.That(Named(client => client.TlsClientAuthSanDns = "shop").WhyNot(broken), Is.EqualTo("its subject alternative names cannot be read"));
    }

    private static void AssertProblem(Action<CibaClient> register, string problem)
    {
        var client = CertificateClients.ByAuthority(change: one => one.TlsClientAuthSubjectDn = null);
        register(client);

        Assert.That(ClientRules.Check(client), Is.EqualTo(new[] { $"Client 'client': {problem}." }));
    }

    private static CertificateName Named(Action<CibaClient> register)
    {
        var client = CertificateClients.ByAuthority(change: one => one.TlsClientAuthSubjectDn = null);
        register(client);
        var name = CertificateName.Of(client, out var problem);
        Assert.That(problem, Is.Null);
        return name!;
    }

    private void AssertSame(string registered, X500DistinguishedName subject, bool same) =>
        Assert.That(Named(client => client.TlsClientAuthSubjectDn = registered).WhyNot(_authority.Issue(subject)), same ? Is.Null : Does.StartWith("its subject "));

    private void AssertSame(Action<CibaClient> register, Action<SubjectAlternativeNameBuilder> names, bool same) =>
        Assert.That(Named(register).WhyNot(_authority.Issue("CN=shop.example", TestAuthority.Names(names))), same ? Is.Null : Is.Not.Null);

    private static X500DistinguishedName Name(params (string Type, string Value)[][] parts) => Name(UniversalTagNumber.UTF8String, parts);

    private static X500DistinguishedName Name(UniversalTagNumber type, params (string Type, string Value)[][] parts)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (var part in parts)
            {
                using var set = writer.PushSetOf();
                foreach (var attribute in part)
                {
                    using var sequence = writer.PushSequence();
                    writer.WriteObjectIdentifier(attribute.Type);
                    writer.WriteCharacterString(type, attribute.Value);
                }
            }
        }

        return new X500DistinguishedName(writer.Encode());
    }
}
