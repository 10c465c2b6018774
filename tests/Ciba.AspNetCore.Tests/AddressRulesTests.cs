using System.Net;
using Ciba.AspNetCore.Callbacks;

namespace Ciba.AspNetCore.Tests;

/// <summary>Which addresses outgoing calls may reach: the last and first on both sides of every border.</summary>
[Spec("P8")]
public sealed class AddressRulesTests
{
    private static readonly AddressRules Default = new([]);

    [TestCase("0.0.0.0", "0.255.255.255", "", "1.0.0.0")]
    [TestCase("10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0")]
    [TestCase("100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0")]
    [TestCase("127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0")]
    [TestCase("168.63.129.16", "168.63.129.16", "168.63.129.15", "168.63.129.17")]
    [TestCase("169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0")]
    [TestCase("172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0")]
    [TestCase("192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0")]
    [TestCase("192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0")]
    [TestCase("192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0")]
    [TestCase("192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0")]
    [TestCase("198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0")]
    [TestCase("198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0")]
    [TestCase("203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0")]
    [TestCase("224.0.0.0", "255.255.255.255", "223.255.255.255", "")]
    public void An_IPv4_network_that_is_not_public_is_closed_from_its_first_address_to_its_last(string first, string last, string before, string after)
    {
        using (Assert.EnterMultipleScope())
        {
            foreach (var prefix in new[] { "", "::ffff:" })
            {
                Assert.That(new[] { first, last }.Select(address => Default.Allows(IPAddress.Parse(prefix + address))), Is.All.False, prefix);
                Assert.That(new[] { before, after }.Where(address => address.Length > 0).Select(address => Default.Allows(IPAddress.Parse(prefix + address))), Is.All.True, prefix);
            }
        }
    }

    [TestCase("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::")]
    [TestCase("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::")]
    [TestCase("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::")]
    [TestCase("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::")]
    [TestCase("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::", "")]
    [TestCase("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "")]
    public void An_IPv6_network_that_is_not_public_is_closed_from_its_first_address_to_its_last(string first, string last, string before, string after)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { first, last }.Select(address => Default.Allows(IPAddress.Parse(address))), Is.All.False);
            Assert.That(new[] { before, after }.Where(address => address.Length > 0).Select(address => Default.Allows(IPAddress.Parse(address))), Is.All.True);
        }
    }

    [TestCase("169.254.169.254", TestName = "{m}(metadata of a cloud)")]
    [TestCase("::ffff:169.254.169.254", TestName = "{m}(metadata of a cloud, as IPv6)")]
    [TestCase("fd00:ec2::254", TestName = "{m}(metadata of a cloud by IPv6)")]
    [TestCase("100.100.100.200", TestName = "{m}(metadata in the shared network)")]
    [TestCase("::", TestName = "{m}(unspecified)")]
    [TestCase("::1", TestName = "{m}(loopback)")]
    [TestCase("::127.0.0.1", TestName = "{m}(IPv4-compatible)")]
    [TestCase("::8.8.8.8", TestName = "{m}(IPv4-compatible, of a public address)")]
    [TestCase("::ffff:0:127.0.0.1", TestName = "{m}(IPv4-translated)")]
    [TestCase("64:ff9b::7f00:1", TestName = "{m}(NAT64 of loopback)")]
    [TestCase("64:ff9b::808:808", TestName = "{m}(NAT64 of a public address)")]
    [TestCase("64:ff9b:1::a00:1", TestName = "{m}(local NAT64)")]
    [TestCase("2002:7f00:1::1", TestName = "{m}(6to4 of loopback)")]
    [TestCase("2001:0:7f00:1::1", TestName = "{m}(Teredo)")]
    [TestCase("100::1", TestName = "{m}(discarded)")]
    [TestCase("5f00::1", TestName = "{m}(segment routing)")]
    [TestCase("fc00::1", TestName = "{m}(unique-local)")]
    [TestCase("fdff:ffff::1", TestName = "{m}(unique-local, at the end)")]
    [TestCase("fe80::1", TestName = "{m}(link-local)")]
    [TestCase("fe80::1%2", TestName = "{m}(link-local with its scope)")]
    [TestCase("fec0::1", TestName = "{m}(site-local)")]
    [TestCase("ff02::1", TestName = "{m}(multicast)")]
    [TestCase("ff02::1%2", TestName = "{m}(multicast with its scope)")]
    [TestCase("ff0e::1", TestName = "{m}(multicast, global)")]
    public void A_special_address_is_closed(string address) => Assert.That(Default.Allows(IPAddress.Parse(address)), Is.False);

    [TestCase("8.8.8.8"), TestCase("93.184.216.34"), TestCase("::ffff:8.8.8.8"), TestCase("2606:4700::1111"), TestCase("2a00:1450:4001::1"), TestCase("2001:4860:4860::8888")]
    public void A_public_address_is_open(string address) => Assert.That(Default.Allows(IPAddress.Parse(address)), Is.True);

    [TestCase("10.1.0.0/16", "10.1.0.0 10.1.255.255 ::ffff:10.1.2.3", "10.0.255.255 10.2.0.0 ::ffff:10.2.0.0 127.0.0.1")]
    [TestCase("10.1.2.3", "10.1.2.3 ::ffff:10.1.2.3", "10.1.2.2 10.1.2.4")]
    [TestCase("10.1.2.3/32", "10.1.2.3", "10.1.2.2 10.1.2.4")]
    [TestCase("::1/128", "::1", "127.0.0.1 :: ::2")]
    [TestCase("::1", "::1", "127.0.0.1 :: ::2")]
    [TestCase("fd12:3456::/32", "fd12:3456:: fd12:3456:ffff:ffff:ffff:ffff:ffff:ffff", "fd12:3455:ffff:: fd12:3457::")]
    [TestCase("fe80::/10", "fe80::1 fe80::1%7", "fec0::1")]
    [TestCase("64:ff9b::/96", "64:ff9b::808:808", "64:ff9b:1::808:808")]
    [TestCase("0.0.0.0/0", "10.0.0.1 127.0.0.1 ::ffff:169.254.169.254", "::1 fe80::1")]
    [TestCase("::/0", "::1 fe80::1 fd00::1", "10.0.0.1 ::ffff:10.0.0.1")]
    [TestCase("::ffff:10.1.0.0/112", "10.1.0.0 10.1.255.255 ::ffff:10.1.2.3", "10.2.0.0")]
    [TestCase("::ffff:10.1.2.3", "10.1.2.3 ::ffff:10.1.2.3", "10.1.2.4")]
    [TestCase("127.0.0.0/8 ::1 10.0.0.0/8", "127.0.0.1 ::1 10.9.9.9", "192.168.0.1")]
    public void A_network_that_the_host_allows_is_open_and_no_other(string networks, string open, string closed)
    {
        var rules = new AddressRules(networks.Split(' '));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(networks.Split(' ').Select(AddressRules.Read), Has.None.Null);
            Assert.That(open.Split(' ').Where(address => !rules.Allows(IPAddress.Parse(address))), Is.Empty);
            Assert.That(closed.Split(' ').Where(address => rules.Allows(IPAddress.Parse(address))), Is.Empty);
            Assert.That(rules.Allows(IPAddress.Parse("8.8.8.8")), Is.True, "what is public stays open");
        }
    }

    [TestCase(null), TestCase(""), TestCase(" "), TestCase("*"), TestCase("localhost"), TestCase("10"), TestCase("10.1"), TestCase("10.1/16"), TestCase("010.1.0.0/16")]
    [TestCase("0x0a.1.0.0/16"), TestCase("10.1.0.0/"), TestCase("10.1.0.0/33"), TestCase("10.1.0.0/-1"), TestCase("10.1.0.0/+16"), TestCase("10.1.0.0/ 16"), TestCase(" 10.1.0.0/16")]
    [TestCase("10.1.0.0/16/8"), TestCase("10.1.0.0/255.255.0.0"), TestCase("10.1.2.3/16"), TestCase("/16"), TestCase("::1/129"), TestCase("fe80::1%2"), TestCase("[::1]"), TestCase("fd00::1/8")]
    [TestCase("10.1.0.0-10.2.0.0"), TestCase("10.1.0.0/16,10.2.0.0/16"), TestCase("::ffff:10.1.2.3/112")]
    public void What_is_no_network_is_not_read_as_one(string? text)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(AddressRules.Read(text), Is.Null);
            Assert.That(new AddressRules([text!]).Allows(IPAddress.Parse("10.1.0.1")), Is.False);
        }
    }

    [TestCase("https://127.0.0.1/cb", "127.0.0.1")]
    [TestCase("https://127.1:8443/cb", "127.0.0.1")]
    [TestCase("https://2130706433/cb", "127.0.0.1")]
    [TestCase("https://0x7f.1/cb", "127.0.0.1")]
    [TestCase("https://10.1.2.3./cb", "10.1.2.3")]
    [TestCase("https://[::1]/cb?secret", "::1")]
    [TestCase("https://[::ffff:10.1.2.3]/cb", "::ffff:10.1.2.3")]
    [TestCase("https://[fd00:ec2::254]/cb", "fd00:ec2::254")]
    [TestCase("https://localhost/cb", "localhost")]
    [TestCase("https://LOCALHOST.:5001/cb", "localhost")]
    [TestCase("https://shop.localhost/cb", "shop.localhost")]
    public void A_URL_of_a_closed_address_is_told_from_its_text(string url, string host) =>
        Assert.That(Default.WhyNot(new Uri(url)), Is.EqualTo($"goes to {host}, which is closed to outgoing calls: open its network in CibaOptions.Callbacks.AllowedNetworks, or use a public address"));

    [TestCase("https://8.8.8.8/cb"), TestCase("https://[2606:4700::1111]/cb"), TestCase("https://rp.example/cb"), TestCase("https://localhost.example/cb"), TestCase("https://notlocalhost/cb")]
    public void A_URL_that_may_be_open_is_not_judged_by_its_text(string url) => Assert.That(Default.WhyNot(new Uri(url)), Is.Null);

    [TestCase("10.1.0.0/16:8443", "10.1.2.3", 8443, true), TestCase("10.1.0.0/16:8443", "10.1.2.3", 443, false), TestCase("10.1.0.0/16", "10.1.2.3", 443, true)]
    [TestCase("10.1.2.3:8443", "10.1.2.3", 8443, true), TestCase("10.1.2.3:8443", "10.1.2.3", 8444, false), TestCase("10.1.2.3:8443", "10.1.2.4", 8443, false)]
    [TestCase("fd00::/8:8443", "fd00::1", 8443, true), TestCase("fd00::/8:8443", "fd00::1", 443, false), TestCase("::1", "::1", 443, true)]
    [TestCase("10.1.0.0/16:8443", "8.8.8.8", 443, true)]
    public void A_port_limits_what_a_network_opens(string network, string address, int port, bool isOpen) =>
        Assert.That(new AddressRules([network]).Allows(IPAddress.Parse(address), port), Is.EqualTo(isOpen));

    [TestCase("10.1.0.0/16:"), TestCase("10.1.0.0/16:0"), TestCase("10.1.0.0/16:65536"), TestCase("10.1.0.0/16:+80"), TestCase("10.1.0.0/16:8443:1"), TestCase("10.1.0.0:8443/16"), TestCase(":8443"), TestCase("host:8443")]
    public void A_port_that_is_none_opens_nothing(string network) => Assert.That(AddressRules.Read(network), Is.Null);

    [TestCase("127.0.0.1", "this machine itself"), TestCase("127.0.0.0/8:8443", "this machine itself"), TestCase("::1", "this machine itself"), TestCase("0.0.0.0/0", "this machine itself"), TestCase("::/0", "this machine itself")]
    [TestCase("169.254.169.254", "link-local addresses, where cloud providers keep credentials"), TestCase("fe80::/10", "link-local addresses, where cloud providers keep credentials"), TestCase("168.0.0.0/5", "link-local addresses, where cloud providers keep credentials")]
    [TestCase("10.0.0.0/7", "more than a /8"), TestCase("10.0.0.0/8", null), TestCase("192.168.1.0/24:8443", null), TestCase("fd00::/8", null), TestCase("nonsense", null)]
    public void What_hardly_any_client_should_be_called_at_is_a_risk(string network, string? risk) => Assert.That(AddressRules.FindRisk(network), Is.EqualTo(risk));

    [TestCase("10.0.0.0/8:8443", "https://10.1.2.3:8443/cb"), TestCase("127.0.0.1", "https://localhost/cb"), TestCase("::1", "https://localhost/cb"), TestCase("10.0.0.0/8", "https://10.1.2.3/cb")]
    public void A_URL_of_an_allowed_network_has_nothing_against_it(string network, string url) =>
        Assert.That(new AddressRules([network]).WhyNot(new Uri(url)), Is.Null);
}
